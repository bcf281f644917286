"""Edges -> pictures; the edges are computed from the pictures."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from annotated_types import Ge, Gt, Lt

from itrans.api import ImageSpec, Pair, Preparation, Split
from itrans_datasets.edge_detection import canny, grey_of, xdog
from itrans_datasets.pictures import Sample, pictures_of, scaled_to
from itrans_datasets.splits import HELD_OUT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from itrans.api import ImageArray

EdgeMethod: TypeAlias = Literal["canny", "xdog"]

_SIGMA, _THRESHOLD = 1.0, 0.015
"""What `sigma` and `threshold` are where nothing is said."""


def line_drawing(
    image: ImageArray,
    *,
    size: int | None = None,
    method: EdgeMethod = "canny",
    low: float | None = None,
    high: float | None = None,
    sigma: float = _SIGMA,
    threshold: float = _THRESHOLD,
) -> NDArray[np.uint8]:
    """Return the line drawing of a picture, `(H, W, 1)`, black on white, as `edges` makes it with the same arguments.

    A checkpoint that was trained with `edges` can translate such a drawing of a new picture.

    Args:
        image: `(H, W, C)` of any type and number of channels.
        size: this and the others are those of `Edges`.
        method: `canny` or `xdog`.
        low: of `canny`.
        high: of `canny`.
        sigma: of `xdog`.
        threshold: of `xdog`.

    Raises:
        ValueError: `low` is above `high`, or an argument is of the other method.
    """
    _check_arguments(method, low, high, sigma, threshold)
    return _line_drawing(image if size is None else scaled_to(size, image), method, low, high, sigma, threshold)


def _line_drawing(
    image: ImageArray, method: EdgeMethod, low: float | None, high: float | None, sigma: float, threshold: float
) -> NDArray[np.uint8]:
    grey = grey_of(image)
    lines = canny(grey, low, high) if method == "canny" else xdog(grey, sigma, threshold)
    return lines[:, :, None]


class Edges:
    """A line drawing of a picture -> the picture: the drawings are computed, so pictures are all that is needed.

    Lines are black on white, in one channel of 8 bits, as in the paper's edges -> shoes (whose edges are those of HED).

    Args:
        root: the folder of the pictures; with `train`, `val` and `test` in it, or else a part is held out.
        sample: pictures that need no folder: `openmoji` or `facades`.
        size: scale each picture to this length of its shorter side before edges are found; without it, pictures are
            used as they are.
        method: `canny` draws thin lines, all equally black; `xdog` soft ones, as dark as the edge is strong.
        low: of `canny`: the gradient from which a line continues; by default half of `high`.
        high: of `canny`: the gradient from which a line begins; by default chosen for each picture.
        sigma: of `xdog`: how thick lines are, in pixels.
        threshold: of `xdog`: how faint an edge may be, from 0 to 1.
        channels: convert every picture to so many.
        holdout: the fraction to hold out if there are no folders for splits.
        split: which part.

    Raises:
        DataError: the folder is missing or empty.
        MissingSplitError: there is no such split.
        ValueError: not exactly one of `root` and `sample` is given, `low` is above `high`, or an argument is of the
            other method.
    """

    paired = True
    source = ImageSpec(channels=1)

    def __init__(
        self,
        *,
        root: str | None = None,
        sample: Sample | None = None,
        size: Annotated[int, Ge(16)] | None = None,
        method: EdgeMethod = "canny",
        low: Annotated[float, Ge(0)] | None = None,
        high: Annotated[float, Gt(0)] | None = None,
        sigma: Annotated[float, Gt(0)] = _SIGMA,
        threshold: Annotated[float, Ge(0)] = _THRESHOLD,
        channels: Literal[1, 3, 4] | None = None,
        holdout: Annotated[float, Gt(0), Lt(1)] = HELD_OUT,
        split: Split,
    ) -> None:
        _check_arguments(method, low, high, sigma, threshold)
        self._pictures = pictures_of(root, sample, split, channels, holdout=holdout)
        self._size = size
        self._drawn = partial(_line_drawing, method=method, low=low, high=high, sigma=sigma, threshold=threshold)
        self.target: ImageSpec = self._pictures.spec
        self.attribution = self._pictures.attribution
        self.measured_split = self._pictures.measured_split

    @staticmethod
    def preparation(
        *,
        size: int | None = None,
        method: EdgeMethod = "canny",
        low: float | None = None,
        high: float | None = None,
        sigma: float = _SIGMA,
        threshold: float = _THRESHOLD,
    ) -> Preparation:
        """Return how the line drawing of a new picture is made; the arguments are the data set's."""
        scaled = "" if size is None else f"pictures are scaled to {size} pixels, and "
        draw = partial(line_drawing, size=size, method=method, low=low, high=high, sigma=sigma, threshold=threshold)
        return Preparation(
            f"{scaled}the lines of pictures are drawn with {method}, as in training",
            lambda image, _: draw(image),
        )

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self._pictures)

    def __getitem__(self, index: int) -> Pair:
        """Return the edges `(H, W, 1)` and the picture, which is scaled if there is a `size`.

        Raises:
            DataError: the picture cannot be read, or is unlike the first one.
        """
        image, key = self._pictures[index]
        if self._size is not None:
            image = scaled_to(self._size, image)
        return Pair(self._drawn(image), image, key)


def _check_arguments(method: str, low: float | None, high: float | None, sigma: float, threshold: float) -> None:
    # What repeats a default is not given: a checkpoint's recipe has all defaults in it, whatever the method is.
    given = {
        "canny": {"low": low is not None, "high": high is not None},
        "xdog": {"sigma": sigma != _SIGMA, "threshold": threshold != _THRESHOLD},
    }
    if method not in given:
        raise ValueError(f'there is no method "{method}": choose "canny" or "xdog"')
    for other, arguments in given.items():
        idle = [f'"{name}"' for name, is_given in arguments.items() if is_given]
        if other != method and idle:
            raise ValueError(
                f'only method = "{other}" uses {" and ".join(idle)}, and method is "{method}": leave out what has no '
                "effect, or choose the other method"
            )
    if low is not None and high is not None and low > high:
        raise ValueError(f'"low" is {low:g}, above "high", which is {high:g}: lines begin at high and go on to low')
