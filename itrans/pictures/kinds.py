"""All kinds of pictures: what values mean, and all that depends on it, in one object for each meaning.

A kind of one's own is a class that says what is different from others, and a name for it:

```python
class Normals(Kind):
    def shown(self, images, spec, sources):
        ...

register_kind("normals", Normals())
```
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np

from itrans.errors import DataError, did_you_mean
from itrans.pictures.channels import as_channels, lightness_and_ab, with_ab
from itrans.pictures.images import read_image
from itrans.pictures.kind import Kind, channel_names, outside_range
from itrans.pictures.label_maps import read_label_map
from itrans.pictures.spec import WHITE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import torch
    from numpy.typing import NDArray
    from torch import Tensor

    from itrans.pictures.bands import Bands
    from itrans.pictures.spec import ImageArray, ImageSpec, PixelType

__all__ = ["KINDS", "Kind", "kind_of", "register_kind"]


class Image(Kind):
    """Grey, colours, or any other channels; a file's may be converted."""

    def bands(self, path: Path, spec: ImageSpec) -> Bands | None:
        """Return a plain TIFF with the right channels."""
        from itrans.pictures.bands import bands_of

        return bands_of(path, spec)

    def as_source(self, image: ImageArray, spec: ImageSpec, background: str) -> tuple[ImageArray, str | None]:
        """Convert grey, RGB and RGBA; a fourth channel is not made up, for it may have been a mask."""
        if spec.has_range:  # of which no background is a colour
            return image, None
        have, opaque = image.shape[2], _is_opaque(image)
        if have not in {1, 3, 4} or spec.channels not in {1, 3, have}:
            return image, None
        if spec.channels == have:
            note = "the fourth channel is opaque everywhere; if it was a mask of holes in training, that is all hole"
            return image, note if opaque else None
        if have == 4:
            note = _alpha_note(opaque, background)
        else:
            note = "grey was repeated as RGB" if have == 1 else "colours became grey by their luminance"
        return as_channels(image, spec.channels, background), note


class Labels(Kind):
    """Class indices in one channel; networks see a plane for each class."""

    is_smooth = False
    takes_range = False
    metrics = ("accuracy", "class_accuracy", "class_iou")
    deciding_metric = "class_iou"

    def plane_count(self, spec: ImageSpec) -> int:
        """Return how many classes there are."""
        return spec.channels if spec.labels is None else spec.labels

    def is_fine(self, spec: ImageSpec) -> bool:
        """Return False: planes have no values but -1 and 1."""
        return False

    def fault(self, image: ImageArray, spec: ImageSpec) -> str | None:
        """Return which value is no class."""
        if spec.labels is None:
            return "is a label map, and the number of its classes is unknown"
        if int(image.max()) >= spec.labels:
            wrong = image >= spec.labels
            if spec.ignored is not None:
                wrong &= image != spec.ignored
            if wrong.any():
                row, column = np.argwhere(wrong)[0][:2]
                value = image[row, column, 0]
                return f"has the value {value} at x = {column}, y = {row}, and classes are 0 to {spec.labels - 1}"
        return super().fault(image, spec)

    def planes(self, images: Tensor, spec: ImageSpec, memory_format: torch.memory_format | None = None) -> Tensor:
        """Return 1 in the plane of a pixel's class, -1 in all others, and -1 everywhere for the value of no class."""
        import torch

        images = images.int()  # there is little that torch does with uint16
        hot = images == torch.arange(spec.planes, device=images.device, dtype=images.dtype).view(1, -1, 1, 1)
        if spec.ignored is not None:
            hot &= images != spec.ignored
        return super().planes(hot.to(torch.uint8) * 255, spec, memory_format)

    def arrays(self, planes: Tensor, spec: ImageSpec, dtype: PixelType | None = None) -> list[ImageArray]:
        """Return the class whose plane is highest, always in the spec's type."""
        classes = planes.detach().argmax(dim=1).cpu().numpy()
        return [cast("ImageArray", image[:, :, None].astype(spec.dtype)) for image in classes]

    def shown(
        self, images: Sequence[ImageArray], spec: ImageSpec, sources: Sequence[ImageArray]
    ) -> Sequence[ImageArray]:
        """Return a colour for each class, and black for none."""
        colours = class_colours(spec.planes)
        return [colours[np.minimum(image[..., 0], spec.planes, dtype=np.intp)] for image in images]

    def read(self, path: Path) -> ImageArray:
        """Return the indices that a file has, not the colours that show them."""
        return read_label_map(path)

    def refusal(self, image: ImageArray, spec: ImageSpec, remedy: str | None = None) -> str | None:
        """Refuse what has several channels, floats, or values that are no class."""
        if image.shape[2] != 1 or image.dtype == np.float32:
            classes = f"from 0 to {spec.labels - 1}" if spec.labels is not None else "from 0 on"
            ignored = f", or {spec.ignored} for no class" if spec.ignored is not None else ""
            return (
                f"The picture has {channel_names(image.shape[2])} of {image.dtype}, but this checkpoint's generator "
                f"takes label maps: one channel of integers, which are class indices {classes}{ignored}. "
                + (remedy or "Colours are not looked up: write the indices themselves into a file of one channel.")
            )
        fault = self.fault(image, spec)
        return f"The label map {fault}. {remedy or ''}".rstrip() if fault else None


class Lightness(Kind):
    """The L of CIE Lab, which is made of grey and RGB pictures when they are translated."""

    takes_range = False

    def as_source(self, image: ImageArray, spec: ImageSpec, background: str) -> tuple[ImageArray, str | None]:
        """Take the alpha away."""
        if image.shape[2] != 4:
            return image, None
        return as_channels(image, 3, background), _alpha_note(_is_opaque(image), background)

    def refusal(self, image: ImageArray, spec: ImageSpec, remedy: str | None = None) -> str | None:
        """Refuse what is not of 8 bits, or has other channels."""
        if image.dtype == np.uint8 and image.shape[2] in {1, 3, 4}:
            return None
        return (
            f"The picture has {channel_names(image.shape[2])} of {image.dtype}, and this checkpoint colours grey and "
            "RGB pictures of 8 bits."
        )

    def source_of(self, image: ImageArray) -> ImageArray:
        """Return the L of a picture."""
        return lightness_and_ab(as_channels(image, 3))[0]


class Ab(Kind):
    """The a and b of CIE Lab, which become RGB on the lightness that they were made from."""

    takes_range = False

    def shown(
        self, images: Sequence[ImageArray], spec: ImageSpec, sources: Sequence[ImageArray]
    ) -> Sequence[ImageArray]:
        """Return RGB, if the sources can be their lightness."""
        if sources[0].shape[2] != 1:
            return images
        return [with_ab(source, image) for source, image in zip(sources, images, strict=True)]

    def output_spec(self, spec: ImageSpec, source: ImageSpec) -> ImageSpec:
        """Return RGB, if the sources are their lightness."""
        return replace(spec, channels=3, kind="image") if source.kind == "lightness" else spec

    def outputs(
        self, images: list[ImageArray], spec: ImageSpec, sources: Sequence[ImageArray], source: ImageSpec
    ) -> list[ImageArray]:
        """Return RGB, if the sources are their lightness."""
        return list(self.shown(images, spec, sources)) if source.kind == "lightness" else images


KINDS: dict[str, Kind] = {"image": Image(), "labels": Labels(), "lightness": Lightness(), "ab": Ab()}
"""All kinds by their names, as `ImageSpec.kind` has them."""


def register_kind(name: str, kind: Kind) -> None:
    """Add a kind under a name, for `ImageSpec.kind`; best where the data set's class is, which is imported for it.

    Raises:
        DataError: it is no kind, or there is another one of that name.
    """
    if not isinstance(kind, Kind) or not isinstance(name, str) or not name.isidentifier():
        raise DataError(f'register_kind("name", Kind()) takes a name and an object, and got {name!r} and {kind!r}.')
    if name in KINDS and repr(type(KINDS[name])) != repr(type(kind)):  # a module may be imported again
        raise DataError(f'There is a kind of pictures "{name}" already.')
    KINDS[name] = kind


def kind_of(spec: ImageSpec) -> Kind:
    """Return what answers for pictures of a spec.

    Raises:
        DataError: there is no such kind.
    """
    if spec.kind not in KINDS:
        raise DataError(
            f'There is no kind of pictures "{spec.kind}".{did_you_mean(str(spec.kind), KINDS)} '
            f"There are: {', '.join(KINDS)}."
        )
    return KINDS[spec.kind]


def refuse_unfit(image: Any, spec: ImageSpec, remedy: str | None = None) -> None:
    """Raise `DataError` if something is no picture that can be translated; see `Kind.refusal`."""
    floats = "{:g}, {:g}".format(*spec.range) if spec.has_range and spec.dtype == "float32" else "0, 1"
    wanted = f"what is translated is an array (height, width, channels) of uint8, uint16, or float32 in [{floats}]."
    if not isinstance(image, np.ndarray):
        raise DataError(f"This is {type(image).__name__}; {wanted}")
    if image.ndim != 3 or 0 in image.shape or image.dtype.name not in WHITE:
        raise DataError(f"This is an array of shape {image.shape} and type {image.dtype}; {wanted}")
    if (
        image.dtype == np.float32 and not spec.has_range and not (float(image.min()) >= 0 and float(image.max()) <= 1)
    ):  # so is NaN
        raise DataError(f"This array has floats from {image.min():g} to {image.max():g}; {wanted}")
    if fault := kind_of(spec).refusal(image, spec, remedy):
        raise DataError(fault)
    if spec.has_range:
        if image.dtype.name != spec.dtype:
            low, high = spec.range
            raise DataError(
                f"The picture is of {image.dtype}, but this checkpoint's generator takes {spec.dtype} from {low:g} to "
                f"{high:g}. Convert it first."
            )
        if fault := outside_range(image, spec):
            raise DataError(f"The picture {fault}.")


def read_source(path: Path, spec: ImageSpec) -> ImageArray:
    """Return the picture of a file that is to be translated, where sources are of a spec; see `Kind.read`.

    Raises:
        DataError: it cannot be read.
    """
    kind = kind_of(spec)
    if spec.has_range and type(kind).read is Kind.read:
        return read_image(path, any_floats=True)
    return kind.read(path)


def output_type(kept: PixelType, source: ImageSpec, target: ImageSpec) -> PixelType:
    """Return the type of a translation: that of its picture, unless training pairs had two types, or a range."""
    return kept if source.dtype == target.dtype and not target.has_range else target.dtype


def class_colours(classes: int) -> NDArray[np.uint8]:
    """Return an RGB colour for each class, `(classes + 1, 3)`: hues far from one another; black, the last, is none."""
    hues = np.arange(classes) * 0.618034 % 1.0  # steps of the golden ratio never come back near an earlier hue
    hsv = np.stack([hues * 179, 110 + 90 * (np.arange(classes) % 2), 235 - 60 * (np.arange(classes) % 3 == 2)], axis=1)
    rgb = cv2.cvtColor(hsv[None].astype(np.uint8), cv2.COLOR_HSV2RGB)[0]
    return np.concatenate([rgb, np.zeros((1, 3), np.uint8)])


def _is_opaque(image: ImageArray) -> bool:
    return image.shape[2] == 4 and float(image[:, :, 3].min()) == WHITE[image.dtype.name]


def _alpha_note(opaque: bool, background: str) -> str:
    if opaque:
        return "an alpha that is opaque everywhere was left out"
    return f"what is transparent was laid on {background} (--background)"
