"""What a transform must be."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np

from itrans.errors import error_text
from itrans.pictures.spec import WHITE
from itrans.testing.findings import REFUSALS, error_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from itrans.testing.findings import Findings

_SIZES = ((17, 24), (32, 32))
_KINDS = ((3, "uint8"), (1, "uint8"), (1, "uint16"), (3, "float32"), (1, "float32"))
_CLASSES = 5
_SEEDS = 8
"""In which what is random should show."""


def check(findings: Findings) -> None:
    """Note what is wrong with a transform."""
    with findings.trying("It"):
        transform = findings.build()
        refusals: list[BaseException] = []
        for channels, dtype in _KINDS:
            try:
                for size in _SIZES:
                    _check_pictures(findings, transform, _picture((*size, channels), dtype))
            except REFUSALS as error:
                refusals.append(error)
        if len(refusals) == len(_KINDS):
            findings.faults.append(f"It refuses all pictures that were tried: {error_line(refusals[0])}")
        if callable(getattr(transform, "labels", None)):
            with findings.trying("Its labels()"):
                _check_labels(findings, transform)
        _check_pickle(findings, transform)


def _picture(shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    values = np.random.default_rng(1).random(shape) * WHITE[dtype]
    return (values if dtype == "float32" else np.rint(values)).astype(dtype)


def _check_pictures(findings: Findings, transform: Callable[..., Any], image: NDArray[Any]) -> None:
    kind = f"{image.dtype} of the shape {image.shape}"
    for seed in range(_SEEDS):
        made, again = (transform(image.copy(), np.random.default_rng(seed)) for _ in range(2))
        if not _is_like(findings, made, image, kind):
            return
        if not np.array_equal(made, again, equal_nan=made.dtype.kind == "f"):
            findings.faults.append(
                "It should give the same for one picture and equal generators, but does not: all that is random comes "
                "from the generator that it is called with, and nothing of a call is left for the next."
            )
            return
        if made.dtype.kind == "f" and not (np.isfinite(made).all() and made.min() >= -1e-6 and made.max() <= 1 + 1e-6):
            findings.faults.append(
                f"From {kind} it should give floats from 0 to 1, but gives {made.min():g} to {made.max():g}."
            )
            return


def _is_like(findings: Findings, made: Any, image: NDArray[Any], kind: str) -> bool:
    is_array = isinstance(made, np.ndarray)
    found = f"{made.dtype} of the shape {made.shape}" if is_array else type(made).__name__
    is_like = is_array and made.shape == image.shape and made.dtype == image.dtype
    return findings.expect(is_like, f"From {kind} it should make the same, but makes {found}.")


def _check_labels(findings: Findings, transform: Any) -> None:
    image = np.random.default_rng(2).integers(0, _CLASSES, (*_SIZES[0], 1)).astype(np.uint8)
    for seed in range(_SEEDS):
        made = transform.labels(image.copy(), np.random.default_rng(seed))
        if not _is_like(findings, made, image, "label maps of uint8"):
            return
        strange = np.setdiff1d(made, image)
        if strange.size:
            findings.faults.append(
                f"labels() makes the value {strange[0]}, which the label map does not have: pixels of label maps are "
                "moved, never mixed."
            )
            return


def _check_pickle(findings: Findings, transform: object) -> None:
    try:
        pickle.dumps(transform)
    except Exception as error:
        findings.faults.append(f"It should be picklable, as it goes to worker processes: {error_text(error)}")
