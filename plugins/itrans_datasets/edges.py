"""Edges -> pictures, where the edges are computed from the pictures."""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Ge, Gt

from itrans.api import ImageSpec, Pair, Split
from itrans_datasets.edge_detection import canny, grey_of, xdog
from itrans_datasets.pictures import Sample, pictures_of, scaled_to


class Edges:
    """A line drawing of a picture -> the picture: nothing but pictures is needed.

    Lines are black on white, in one channel of 8 bits, as in the paper's edges -> shoes (whose edges are those of HED).

    Args:
        root: the folder of the pictures; with `train`, `val` and `test` in it, or else a tenth is held out.
        sample: pictures that need no folder: `openmoji` or `facades`.
        size: scale each picture until its shorter side is so long, before edges are found in it; without it, pictures
            are used as they are.
        method: `canny` draws thin lines, all equally black; `xdog` soft ones, as dark as the edge is strong.
        low: of `canny`: the gradient from which a line goes on; half of `high` if nothing is said.
        high: of `canny`: the gradient from which a line begins; chosen for each picture if nothing is said.
        sigma: of `xdog`: how thick lines are, in pixels.
        threshold: of `xdog`: how faint an edge may be, from 0 to 1.
        channels: convert every picture to so many.
        split: which part.

    Raises:
        DataError: the folder is missing or empty.
        MissingSplitError: there is no such split.
        ValueError: there is neither a folder nor a sample, or `low` is above `high`.
    """

    paired = True
    source = ImageSpec(channels=1)

    def __init__(
        self,
        *,
        root: str | None = None,
        sample: Sample | None = None,
        size: Annotated[int, Ge(16)] | None = None,
        method: Literal["canny", "xdog"] = "canny",
        low: Annotated[float, Ge(0)] | None = None,
        high: Annotated[float, Gt(0)] | None = None,
        sigma: Annotated[float, Gt(0)] = 1.0,
        threshold: Annotated[float, Ge(0)] = 0.015,
        channels: Literal[1, 3, 4] | None = None,
        split: Split,
    ) -> None:
        if method not in ("canny", "xdog"):
            raise ValueError(f'there is no method "{method}": choose "canny" or "xdog"')
        if low is not None and high is not None and low > high:
            raise ValueError(f'"low" is {low:g}, above "high", which is {high:g}: lines begin at high and go on to low')
        self._pictures = pictures_of(root, sample, split, channels)
        self._size, self._method, self._low, self._high = size, method, low, high
        self._sigma, self._threshold = sigma, threshold
        self.target: ImageSpec = self._pictures.spec
        self.attribution = self._pictures.attribution

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
        grey = grey_of(image)
        if self._method == "canny":
            lines = canny(grey, self._low, self._high)
        else:
            lines = xdog(grey, self._sigma, self._threshold)
        return Pair(lines[:, :, None], image, key)
