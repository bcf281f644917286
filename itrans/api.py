"""All that a plugin, a notebook or a script needs of itrans. Importing it is cheap: torch comes when it is used.

```python
from itrans.api import load

translator = load("runs/mine/checkpoints/best.pt")
output = translator.translate(array)      # (H, W, C) uint8, uint16 or float32 in [0, 1], any size
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from itrans import __version__
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
    error_text,
    printable,
    quoted,
)
from itrans.files import cache_folder
from itrans.lazy import getter
from itrans.pictures.spec import SUFFIXES, WHITE, ImageKind, ImageSpec, PixelType
from itrans.protocols import (
    AdversarialLoss,
    Component,
    Dataset,
    Discriminator,
    Generator,
    ImageLoss,
    Loss,
    Method,
    Metric,
    Runtime,
    Tracker,
    Update,
    WeightedLoss,
    scale_of,
)
from itrans.records import Batch, MeasuredPair, MeasuredPairs, Pair, Preparation, Recognized, Split, Translated
from itrans.registry import (
    API_VERSION,
    DATASETS,
    DISCRIMINATORS,
    GENERATORS,
    LOSSES,
    METHODS,
    METRICS,
    PAGES,
    REGISTRIES,
    TRACKERS,
    Registry,
)

if TYPE_CHECKING:
    from itrans.checkpoint.fields import dense as dense
    from itrans.data.folders import check_same_size as check_same_size
    from itrans.data.folders import existing_root as existing_root
    from itrans.data.folders import first_readable as first_readable
    from itrans.data.folders import match_images as match_images
    from itrans.data.folders import measured_split as measured_split
    from itrans.data.folders import names_of_split as names_of_split
    from itrans.data.folders import part_of as part_of
    from itrans.data.folders import split_folders as split_folders
    from itrans.data.folders import take_split as take_split
    from itrans.data.layouts import layout_advice as layout_advice
    from itrans.data.layouts import no_pictures as no_pictures
    from itrans.data.layouts import unread_note as unread_note
    from itrans.data.matches import Matches as Matches
    from itrans.data.matches import match_names as match_names
    from itrans.metrics.libraries import fitting_torchvision as fitting_torchvision
    from itrans.networks.noise import Noise as Noise
    from itrans.networks.padding import apply_generator as apply_generator
    from itrans.pictures.channels import as_channels as as_channels
    from itrans.pictures.channels import lightness_and_ab as lightness_and_ab
    from itrans.pictures.channels import with_ab as with_ab
    from itrans.pictures.images import find_images as find_images
    from itrans.pictures.images import image_names as image_names
    from itrans.pictures.images import read_image as read_image
    from itrans.pictures.images import spec_of as spec_of
    from itrans.pictures.images import unread_suffixes as unread_suffixes
    from itrans.pictures.kinds import KINDS as KINDS
    from itrans.pictures.kinds import Kind as Kind
    from itrans.pictures.kinds import kind_of as kind_of
    from itrans.pictures.kinds import register_kind as register_kind
    from itrans.pictures.label_maps import read_label_map as read_label_map
    from itrans.pictures.names import Names as Names
    from itrans.pictures.spec import ImageArray as ImageArray
    from itrans.pictures.walking import folders_in as folders_in
    from itrans.pictures.writing import encode_image as encode_image
    from itrans.pictures.writing import write_image as write_image
    from itrans.runs import Run as Run
    from itrans.runs import train as train
    from itrans.runs import training_pair as training_pair
    from itrans.translating.loading import load as load
    from itrans_timm.weights import backbone_fault as backbone_fault
    from itrans_timm.weights import quiet_downloads as quiet_downloads
    from itrans_timm.weights import weights_address as weights_address
else:  # a type checker would take any name for one of this module's
    __getattr__ = getter(
        __name__,
        {
            "itrans.checkpoint.fields": ("dense",),
            "itrans.data.folders": (
                *("check_same_size", "existing_root", "first_readable", "match_images", "measured_split"),
                *("names_of_split", "part_of", "split_folders", "take_split"),
            ),
            "itrans.data.layouts": ("layout_advice", "no_pictures", "unread_note"),
            "itrans.data.matches": ("Matches", "match_names"),
            "itrans.metrics.libraries": ("fitting_torchvision",),
            "itrans.networks.noise": ("Noise",),
            "itrans.networks.padding": ("apply_generator",),
            "itrans.pictures.channels": ("as_channels", "lightness_and_ab", "with_ab"),
            "itrans.pictures.images": ("find_images", "image_names", "read_image", "spec_of", "unread_suffixes"),
            "itrans.pictures.kinds": ("KINDS", "Kind", "kind_of", "register_kind"),
            "itrans.pictures.label_maps": ("read_label_map",),
            "itrans.pictures.names": ("Names",),
            "itrans.pictures.walking": ("folders_in",),
            "itrans.pictures.writing": ("encode_image", "write_image"),
            "itrans.runs": ("Run", "train", "training_pair"),
            "itrans.translating.loading": ("load",),
            "itrans_timm.weights": ("backbone_fault", "quiet_downloads", "weights_address"),
        },
    )
    """Imports what is in a module that needs torch, or OpenCV, when it is asked for."""

__all__ = [
    "API_VERSION",
    "DATASETS",
    "DISCRIMINATORS",
    "GENERATORS",
    "KINDS",
    "LOSSES",
    "METHODS",
    "METRICS",
    "PAGES",
    "REGISTRIES",
    "SUFFIXES",
    "TRACKERS",
    "WHITE",
    "AdversarialLoss",
    "Batch",
    "CheckpointError",
    "Component",
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
    "Matches",
    "MeasuredPair",
    "MeasuredPairs",
    "Method",
    "Metric",
    "MissingSplitError",
    "Names",
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
    "Run",
    "Runtime",
    "Split",
    "Tracker",
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
    "dense",
    "did_you_mean",
    "encode_image",
    "error_text",
    "existing_root",
    "find_images",
    "first_readable",
    "fitting_torchvision",
    "folders_in",
    "image_names",
    "kind_of",
    "layout_advice",
    "lightness_and_ab",
    "load",
    "match_images",
    "match_names",
    "measured_split",
    "names_of_split",
    "no_pictures",
    "part_of",
    "printable",
    "quiet_downloads",
    "quoted",
    "read_image",
    "read_label_map",
    "register_kind",
    "scale_of",
    "spec_of",
    "split_folders",
    "take_split",
    "train",
    "training_pair",
    "unread_note",
    "unread_suffixes",
    "weights_address",
    "with_ab",
    "write_image",
]
