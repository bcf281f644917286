"""All that a plugin, a notebook or a script needs of itrans. Importing it is cheap: torch comes when it is used.

```python
from itrans.api import load

translator = load("runs/mine/checkpoints/best.pt")
output = translator.translate(array)      # (H, W, C) uint8, uint16 or float32 in [0, 1], any size
```
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from itrans import __version__
from itrans.backbones import backbone_fault, quiet_downloads, weights_address
from itrans.errors import (
    CheckpointError,
    DataError,
    DeviceError,
    ItransError,
    MissingSplitError,
    OutputError,
    PluginError,
    Problem,
    RecipeError,
    RoomError,
    TrainingError,
    counted,
    did_you_mean,
)
from itrans.pictures.spec import WHITE
from itrans.protocols import (
    AdversarialLoss,
    Batch,
    Dataset,
    Discriminator,
    Generator,
    ImageKind,
    ImageLoss,
    ImageSpec,
    Loss,
    Method,
    Pair,
    PixelType,
    Preparation,
    Recognized,
    Runtime,
    Split,
    Translated,
    Update,
    WeightedLoss,
)
from itrans.registry import API_VERSION, DATASETS, DISCRIMINATORS, GENERATORS, LOSSES, METHODS, Registry

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from itrans.data.folders import first_readable as first_readable
    from itrans.data.folders import measured_split as measured_split
    from itrans.data.folders import names_of_split as names_of_split
    from itrans.data.folders import no_pictures as no_pictures
    from itrans.data.folders import part_of as part_of
    from itrans.data.layouts import layout_advice as layout_advice
    from itrans.networks.noise import Noise as Noise
    from itrans.pictures.kinds import Kind as Kind
    from itrans.pictures.kinds import register_kind as register_kind
    from itrans.protocols import ImageArray as ImageArray
    from itrans.translating.translator import Mode, Precision, Translator

__all__ = [
    "API_VERSION",
    "DATASETS",
    "DISCRIMINATORS",
    "GENERATORS",
    "LOSSES",
    "METHODS",
    "WHITE",
    "AdversarialLoss",
    "Batch",
    "CheckpointError",
    "DataError",
    "Dataset",
    "DeviceError",
    "Discriminator",
    "Generator",
    "ImageKind",
    "ImageLoss",
    "ImageSpec",
    "ItransError",
    "Kind",
    "Loss",
    "Method",
    "MissingSplitError",
    "Noise",
    "OutputError",
    "Pair",
    "PixelType",
    "PluginError",
    "Preparation",
    "Problem",
    "RecipeError",
    "Recognized",
    "Registry",
    "RoomError",
    "Runtime",
    "Split",
    "TrainingError",
    "Translated",
    "Update",
    "WeightedLoss",
    "__version__",
    "apply_generator",
    "as_channels",
    "backbone_fault",
    "cache_folder",
    "check_same_size",
    "counted",
    "did_you_mean",
    "existing_root",
    "find_images",
    "first_readable",
    "layout_advice",
    "lightness_and_ab",
    "load",
    "match_images",
    "measured_split",
    "names_of_split",
    "no_pictures",
    "part_of",
    "quiet_downloads",
    "read_image",
    "read_label_map",
    "register_kind",
    "spec_of",
    "split_folders",
    "unread_suffixes",
    "weights_address",
    "with_ab",
    "write_image",
]

_LATER = {
    "Kind": "itrans.pictures.kinds",
    "Noise": "itrans.networks.noise",
    "first_readable": "itrans.data.folders",
    "layout_advice": "itrans.data.layouts",
    "measured_split": "itrans.data.folders",
    "names_of_split": "itrans.data.folders",
    "no_pictures": "itrans.data.folders",
    "part_of": "itrans.data.folders",
    "register_kind": "itrans.pictures.kinds",
}
"""Where the names are that are imported when they are asked for, because their modules need torch, or OpenCV."""

if not TYPE_CHECKING:  # a type checker would take any name for one of this module's

    def __getattr__(name: str) -> Any:
        """Import what is in a heavy module when it is asked for."""
        if name in _LATER:
            return getattr(importlib.import_module(_LATER[name]), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def load(
    checkpoint: str | os.PathLike[str],
    *,
    device: str = "auto",
    mode: Mode = "paper",
    seed: int = 0,
    precision: Precision = "auto",
) -> Translator:
    """Return what translates pictures with a checkpoint; nothing else than the file is needed.

    Args:
        checkpoint: a `.pt` file that a run has written; or the run's folder, of which the best checkpoint is taken or,
            where nothing was validated, the last.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`.
        mode: `paper` keeps dropout on and normalises each picture by its own statistics; `running` turns dropout off
            and normalises by the statistics gathered in training.
        seed: of dropout and noise; the same seed gives the same output.
        precision: `fp32`, `bf16`, `fp16`, or `auto`: bf16 for 8-bit pictures where the hardware has it, else fp32.

    Raises:
        CheckpointError: the file is missing, truncated, not a checkpoint of itrans, or of a newer format.
        PluginError: a component that it needs is not installed.
        DeviceError: there is no such device.
    """
    from itrans.translating.translator import Translator

    return Translator(checkpoint, device=device, mode=mode, seed=seed, precision=precision)


def read_image(path: str | os.PathLike[str]) -> ImageArray:
    """Read a picture as an `(H, W, C)` array; see `itrans.pictures.images.read_image`."""
    from itrans.pictures import images

    return images.read_image(path)


def read_label_map(path: str | os.PathLike[str]) -> ImageArray:
    """Read a label map, `(H, W, C)`: the values that the file has; see `itrans.pictures.label_maps.read_label_map`."""
    from itrans.pictures import label_maps

    return label_maps.read_label_map(path)


def write_image(path: str | os.PathLike[str], image: ImageArray) -> None:
    """Write an `(H, W, C)` array as a picture, whole or not at all; see `itrans.pictures.writing.write_image`."""
    from itrans.pictures import writing

    writing.write_image(path, image)


def find_images(folder: str | os.PathLike[str]) -> list[Path]:
    """Return the pictures in a folder and the folders in it, relative to it and sorted; hidden ones are left out."""
    from itrans.pictures import images

    return images.find_images(folder)


def unread_suffixes(folder: str | os.PathLike[str]) -> dict[str, int]:
    """Return how many files of each suffix `find_images` leaves out; see `itrans.pictures.images.unread_suffixes`."""
    from itrans.pictures import images

    return images.unread_suffixes(folder)


def existing_root(root: str | os.PathLike[str]) -> Path:
    """Return the folder of a data set, or raise `DataError` if it is not there."""
    from itrans.data import folders

    return folders.existing_root(root)


def split_folders(root: str | os.PathLike[str], folders: Mapping[str, str], split: Split) -> list[Path]:
    """Return the folders of a split; see `itrans.data.folders.split_folders`.

    ```python
    split_folders(root, {"photo_folder": "{split}/photos", "depth_folder": "{split}/depth"}, "train")
    ```
    """
    from itrans.data import folders as found

    return found.split_folders(root, folders, split)


def match_images(
    folders: Sequence[Path], endings: Mapping[str, str | None] | None = None
) -> dict[str, tuple[str, ...]]:
    """Return the pictures of several folders that have one name, by that name; see `itrans.data.folders.match_images`.

    ```python
    match_images([photos, depth], {"photo_ending": "_rgb", "depth_ending": "_depth.png"})
    # {"a/01": ("a/01_rgb.jpg", "a/01_depth.png"), ...}
    ```
    """
    from itrans.data import folders as found

    return found.match_images(folders, endings)


def check_same_size(path: Path, image: ImageArray, other_path: Path, other: ImageArray) -> None:
    """Raise `DataError`, which names both files, if two pictures of a pair have different heights or widths."""
    from itrans.data import folders

    folders.check_same_size(path, image, other_path, other)


def as_channels(image: ImageArray, channels: int, background: str = "white") -> ImageArray:
    """Return a picture with 1, 3 or 4 channels, alpha laid on a colour; see `itrans.pictures.channels.as_channels`."""
    from itrans.pictures import channels as conversions

    return conversions.as_channels(image, channels, background)


def lightness_and_ab(image: ImageArray) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return L and ab of CIE Lab of an RGB picture; see `itrans.pictures.channels.lightness_and_ab`."""
    from itrans.pictures import channels

    return channels.lightness_and_ab(image)


def with_ab(lightness: ImageArray, ab: ImageArray) -> NDArray[np.uint8]:
    """Return the RGB picture of L and ab; see `itrans.pictures.channels.with_ab`."""
    from itrans.pictures import channels

    return channels.with_ab(lightness, ab)


def spec_of(image: ImageArray) -> ImageSpec:
    """Return what an `(H, W, C)` array is, for a data set's `source` and `target`."""
    from itrans.pictures import images

    return images.spec_of(image)


def apply_generator(generator: Generator, source: Tensor) -> Tensor:
    """Translate pictures of any size: pad to the generator's `size_multiple` by reflection, and crop the output back.

    Args:
        generator: may have `size_multiple` (default 1).
        source: `(N, C, H, W)` in [-1, 1].
    """
    from itrans.networks import padding

    return padding.apply_generator(generator, source)


def cache_folder(name: str) -> Path:
    """Return the folder for things that can be made again, such as a drawn or downloaded data set; not created.

    It is `$ITRANS_CACHE/name`, or `itrans/name` in the user's cache folder.
    """
    from itrans import files

    return files.cache_folder(name)
