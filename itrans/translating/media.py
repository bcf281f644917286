"""Files that are no pictures, such as videos: a package translates them, which is found by the file's suffix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from itrans import plugins
from itrans.errors import DataError, ItransError, OutputError, PluginError, error_text, quoted
from itrans.pictures.kinds import kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from itrans.pictures.spec import ImageArray
    from itrans.plugins import Origin
    from itrans.records import Preparation
    from itrans.translating.jobs import Job
    from itrans.translating.tiling import Tiling
    from itrans.translating.translator import Translator


_CHECKPOINTS = {".pt", ".pth", ".ckpt", ".safetensors"}
"""The suffixes that no package gets."""


class Media(Protocol):
    """Translates a file into another of the same kind.

    An entry point of the group `itrans.media` has a suffix for its name, such as `mp4`, and stands for such a function.
    It raises `DataError` for a file that cannot be read, and leaves nothing half-written.
    """

    def __call__(
        self,
        translate: Callable[[Sequence[ImageArray], int], list[ImageArray]],
        source: Path,
        output: Path,
        *,
        translator: Translator,
        direction: str | None,
        seed: int,
        batch_size: int,
        progress: Callable[[int, int], None],
    ) -> None:
        """Translate a file.

        Args:
            translate: makes outputs of pictures of one size, `(H, W, C)` as they are in the file, with a seed.
            source: the file.
            output: what to write.
            translator: what translates, to ask which pictures it takes and makes.
            direction: which way.
            seed: for all pictures of the file.
            batch_size: how many pictures at once.
            progress: is told how many are done, out of how many.
        """


def origin_for(kind: str, path: Path) -> Origin | None:
    """Return where what opens, or translates, files of a suffix comes from; None if there is nothing.

    Raises:
        PluginError: several packages do.
    """
    found = plugins.installed().for_file(kind, path)
    if len(found) > 1:
        packages = " and ".join(quoted(origin.distribution for origin in found))
        raise PluginError(
            f"Several packages open {path}: {packages}. Uninstall all but one, or set "
            f"{plugins.RESTRICTION} to the packages to use."
        )
    return found[0] if found else None


def origin_of_model(path: Path) -> Origin | None:
    """Return where what opens a file to translate with comes from; None for a checkpoint.

    Raises:
        PluginError: several packages open such files.
    """
    return None if path.suffix.lower() in _CHECKPOINTS else origin_for(plugins.MODEL, path)


def is_media(path: Path) -> bool:
    """Return whether a package translates files of a suffix."""
    return bool(plugins.installed().for_file(plugins.MEDIA, path))


def translate_media(
    translator: Translator,
    jobs: Sequence[Job],
    make: Callable[[Sequence[ImageArray], int], list[ImageArray]],
    *,
    direction: str | None,
    batch_size: int,
    done: Callable[[Job, ItransError | None], None],
    part: Callable[[int, int], None],
) -> None:
    """Translate files that are no pictures.

    Args:
        translator: what translates.
        jobs: the files, and what they become.
        make: makes outputs of pictures of one size, with a seed.
        direction: one of the translator's; None is the first.
        batch_size: how many pictures at once.
        done: is called with each job, and with what is wrong with its file.
        part: is told how many of a file's pictures are done, out of how many.

    Raises:
        PluginError: the package that translates such files cannot be used.
        OutputError: an output cannot be written.
    """
    for job in jobs:
        origin = origin_for(plugins.MEDIA, job.source)
        assert origin is not None, "media are told by their suffix"
        who = f"{origin.distribution} {origin.version} ({origin.target})"
        try:
            translate: Any = origin.load()
            for seed, output in enumerate(job.outputs, start=translator.seed):
                translate(
                    make,
                    job.source,
                    output,
                    translator=translator,
                    direction=direction,
                    seed=seed,
                    batch_size=batch_size,
                    progress=part,
                )
        except OutputError:
            raise
        except ItransError as error:
            done(job, error)
        except Exception as error:  # a plugin's
            done(job, PluginError(f"{job.source} cannot be translated by {who}: {error_text(error)}"))
        else:
            done(job, None)


class PictureMaker:
    """Makes outputs of the pictures in a file: prepared, or with the channels that the generator takes, in tiles.

    Args:
        translator: what translates.
        direction: one of the translator's; None is the first.
        preparation: what is done to each picture before; None for nothing.
        tiling: the tiles of larger pictures; None translates them whole.
        background: the colour that transparent parts are laid on.
        given: options and extras, see `Translator.translate`.
    """

    def __init__(
        self,
        translator: Translator,
        direction: str | None,
        preparation: Preparation | None,
        tiling: Tiling | None,
        background: str,
        given: Mapping[str, Any] | None = None,
    ) -> None:
        self._translator, self._direction, self._background = translator, direction, background
        self._preparation, self._tiling, self._given = preparation, tiling, given or {}

    def __call__(self, pictures: Sequence[ImageArray], seed: int) -> list[ImageArray]:
        """Return outputs of pictures of one size.

        Raises:
            DataError: the checkpoint does not take such pictures.
        """
        if self._preparation is not None and self._preparation.takes_mask:
            raise DataError("There are no masks for the pictures in a file. Translate them as separate files.")
        sources = [self._source(picture) for picture in pictures]
        tiling, translator, direction = self._tiling, self._translator, self._direction
        if tiling is None or tiling.covers(*pictures[0].shape[:2]):
            outputs = translator.translate_batch(sources, seed=seed, direction=direction, **self._given)
        else:
            options: Any = {"seed": seed, "direction": direction, "tile": tiling.size, "overlap": tiling.overlap}
            outputs = [translator.translate(source, **options, **self._given) for source in sources]
        finish = None if self._preparation is None else self._preparation.output
        if finish is None:
            return outputs
        return [finish(made, picture, None) for made, picture in zip(outputs, pictures, strict=True)]

    def _source(self, picture: ImageArray) -> ImageArray:
        if self._preparation is not None:
            return self._preparation.source(picture, None)
        spec, _ = self._translator.specs(self._direction)
        source, _ = kind_of(spec).as_source(picture, spec, self._background)
        self._translator.check(source, self._direction)
        return source
