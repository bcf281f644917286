"""Pictures that are larger than the memory: translated while they are read, and written meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from itrans.errors import DataError
from itrans.pictures.bands import write_bands
from itrans.pictures.georeference import with_scale
from itrans.pictures.kinds import kind_of, output_type
from itrans.scales import scaled
from itrans.translating.scaling import scale_in
from itrans.translating.tiles import translate_tiles

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from itrans.errors import ItransError
    from itrans.pictures.bands import Bands
    from itrans.pictures.spec import PixelType
    from itrans.translating.jobs import Job
    from itrans.translating.tiling import Tiling
    from itrans.translating.translator import Translator

_WRITTEN = {".tif", ".tiff"}


def translate_streams(
    translator: Translator,
    jobs: Sequence[Job],
    tiling: Tiling,
    direction: str | None,
    batch_size: int,
    done: Callable[[Job, ItransError | None], None],
    part: Callable[[int, int], None],
    given: Mapping[str, Any] | None = None,
) -> list[Job]:
    """Translate the large and plain TIFFs that become TIFF, and return the jobs that are left.

    Only a few rows of tiles are in memory at any time. `done` is called with each job, and with what is wrong with its
    picture; `part` is told how many of its tiles are done, out of how many. `given` are options, and numbers among the
    extras.

    Raises:
        OutputError: an output cannot be written.
    """
    left = []
    for job in jobs:
        becomes_tiff = all(path.suffix.lower() in _WRITTEN for path in job.outputs)
        found = _bands(translator, job.source, direction) if becomes_tiff else None
        if found is None:
            left.append(job)
            continue
        found.close()
        try:
            for number, output in enumerate(job.outputs):
                seed = translator.seed + number
                _translate(translator, job.source, output, tiling, seed, direction, batch_size, part, given or {})
        except DataError as error:
            done(job, error)
        else:
            done(job, None)
    return left


def _translate(
    translator: Translator,
    path: Path,
    output: Path,
    tiling: Tiling,
    seed: int,
    direction: str | None,
    batch_size: int,
    part: Callable[[int, int], None],
    given: Mapping[str, Any],
) -> None:
    source, target = translator.specs(direction)
    channels = kind_of(target).output_spec(target, source).channels
    with _opened(translator, path, direction) as image, _opened(translator, path, direction) as probes:
        kept: PixelType = image.dtype.name  # type: ignore[assignment]
        dtype = np.dtype(output_type(kept, source, target))
        made = translate_tiles(
            translator,
            image,
            tiling,
            seed=seed,
            direction=direction,
            batch_size=batch_size,
            probes=probes,
            progress=part,
            given=given,
        )
        scale = scale_in(translator, direction)
        height, width = (scaled(side, scale) for side in image.shape[:2])
        metadata = with_scale(image.metadata, scale)
        write_bands(output, made, (height, width, channels), dtype, metadata, compress=image.is_compressed)


def _bands(translator: Translator, path: Path, direction: str | None) -> Bands | None:
    source, _ = translator.specs(direction)
    return kind_of(source).bands(path, source)


def _opened(translator: Translator, path: Path, direction: str | None) -> contextlib.AbstractContextManager[Bands]:
    found = _bands(translator, path, direction)
    if found is None:
        raise DataError(f"{path} has changed while it was translated.")
    return found
