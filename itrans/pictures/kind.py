"""What a kind of pictures answers for, and what most of them answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from itrans.errors import counted
from itrans.pictures.images import floats_fault, read_image

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import torch
    from torch import Tensor

    from itrans.pictures.bands import Bands
    from itrans.pictures.spec import ImageArray, ImageSpec, PixelType


class Kind:
    """Values of which networks see as many planes as there are channels, from 0 as -1 to white as 1.

    If the spec has a range, its ends take the places of 0 and white.

    Attributes:
        is_smooth: whether values may be mixed; where not, resizing takes the nearest, files lose nothing, and outputs
            are measured as they are.
        metrics: the names of those that are measured unasked.
        deciding_metric: the one that chooses the best checkpoint where a recipe says "auto".
        takes_range: whether a spec may say what range values have.
    """

    is_smooth = True
    takes_range = True
    metrics: tuple[str, ...] = ("l1", "psnr", "ssim")
    deciding_metric = "l1"

    def plane_count(self, spec: ImageSpec) -> int:
        """Return how many planes networks see."""
        return spec.channels

    def is_fine(self, spec: ImageSpec) -> bool:
        """Return whether its values are more than bf16 keeps, which is 8 bits."""
        return spec.dtype != "uint8"

    def fault(self, image: ImageArray, spec: ImageSpec) -> str | None:
        """Return what is wrong with an array `(H, W, C)` of the spec's type, as the end of a sentence, or None."""
        return outside_range(image, spec) if spec.has_range else floats_fault(image)

    def planes(self, images: Tensor, spec: ImageSpec, memory_format: torch.memory_format | None = None) -> Tensor:
        """Return stored pictures `(N, C, H, W)` as networks see them: `(N, spec.planes, H, W)` of float32 in [-1, 1].

        Without a memory format, they lie in memory as `images` do.
        """
        from itrans.pictures import tensors  # as elsewhere here, torch comes when there are tensors

        return tensors.scaled_planes(images, memory_format, spec.range if spec.has_range else None)

    def arrays(self, planes: Tensor, spec: ImageSpec, dtype: PixelType | None = None) -> list[ImageArray]:
        """Return what networks make, `(N, spec.planes, H, W)`, as stored arrays `(H, W, C)`.

        What is outside [-1, 1] is clipped. `dtype` is their type, if it is not that of `spec`; a spec's range is one of
        its own type alone.
        """
        from itrans.pictures import tensors

        if spec.has_range:
            return tensors.arrays(planes, spec.dtype, spec.range)
        return tensors.arrays(planes, dtype or spec.dtype)

    def shown(
        self, images: Sequence[ImageArray], spec: ImageSpec, sources: Sequence[ImageArray]
    ) -> Sequence[ImageArray]:
        """Return pictures `(H, W, C)` as people look at them: `(H, W, 1)` of grey, or `(H, W, 3)` of RGB.

        The pictures, and the sources that they were made from, are given as stored.
        """
        if not spec.has_range:
            return images
        low, high = spec.range
        scaled = [(image.astype(np.float32) - low) * (255 / (high - low)) for image in images]
        return [np.rint(image).clip(0, 255).astype(np.uint8) for image in scaled]

    def read(self, path: Path) -> ImageArray:
        """Return the picture of a file that is to be translated.

        Raises:
            DataError: it cannot be read.
        """
        return read_image(path)

    def bands(self, path: Path, spec: ImageSpec) -> Bands | None:
        """Return a large file of which the rows are a source as they are; None for what has to be read as a whole."""
        return None

    def as_source(self, image: ImageArray, spec: ImageSpec, background: str) -> tuple[ImageArray, str | None]:
        """Return a file's picture `(H, W, C)` with as many channels as the spec has, and a note on the conversion.

        A picture that cannot be converted comes back as it is. What is transparent is laid on the
        background colour; see `itrans.pictures.channels.as_channels`.
        """
        return image, None

    def refusal(self, image: ImageArray, spec: ImageSpec, remedy: str | None = None) -> str | None:
        """Return what is said of a picture `(H, W, C)` that cannot be translated, or None.

        The spec is that of the sources in training. The remedy is a sentence on what to do instead of converting the
        picture.
        """
        channels = image.shape[2]
        if channels == spec.channels:
            return None
        takes = f"The picture has {channel_names(channels)}, but this checkpoint's generator takes"
        if spec.channels == 4 and remedy is None:
            return (
                f"{takes} 4 channels. The fourth is alpha or a mask, as in training; without it the picture cannot be "
                "used."
            )
        if remedy is None:
            converts = {channels, spec.channels} <= {1, 3, 4}
            remedy = "Convert it first, as itrans.api.as_channels does." if converts else "Choose its channels first."
        return f"{takes} {channel_names(spec.channels)}. {remedy}"

    def source_of(self, image: ImageArray) -> ImageArray:
        """Return a picture, which was not refused, as the data set would store it as a source."""
        return image

    def output_spec(self, spec: ImageSpec, source: ImageSpec) -> ImageSpec:
        """Return the spec of finished translations, where a generator makes `spec` from `source`."""
        return spec

    def outputs(
        self, images: list[ImageArray], spec: ImageSpec, sources: Sequence[ImageArray], source: ImageSpec
    ) -> list[ImageArray]:
        """Return translations finished, as `output_spec` says.

        The generator has made the images, of `spec`, from the sources, of `source`; all are given as stored.
        """
        return images


def outside_range(image: ImageArray, spec: ImageSpec, top: int = 0) -> str | None:
    """Return which value of a picture `(H, W, C)` is outside of the spec's range, as the end of a sentence, or None.

    `top` is the number of its first row, where it is a part of a larger picture.
    """
    if fault := floats_fault(image, any_floats=True):
        return fault
    low, high = np.asarray(spec.range, np.float32)  # as values are compared that were stored so
    if image.min() >= low and image.max() <= high:
        return None
    row, column, channel = np.argwhere((image < low) | (image > high))[0]
    where = f"x = {column}, y = {row + top}" + (f", channel {channel}" if image.shape[2] > 1 else "")
    return f"has the value {image[row, column, channel]:g} at {where}, and the range is {low:g} to {high:g}"


def channel_names(count: int) -> str:
    """Return so many channels as people call them."""
    names = {1: "1 channel (grey)", 3: "3 channels (RGB)", 4: "4 channels (RGBA)"}
    return names.get(count, counted(count, "channel"))
