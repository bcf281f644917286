"""Finding spandrel, and what is in it."""

from __future__ import annotations

import contextlib
import sys
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

try:
    import spandrel
except ImportError as error:
    raise ImportError(f"It needs spandrel: pip install 'itrans[spandrel]' ({error})", name=error.name) from error

warnings.filterwarnings("ignore", "torch.meshgrid: in an upcoming release")  # what several networks use, as it was


def architecture(name: str) -> spandrel.Architecture[nn.Module]:
    """Return what spandrel knows of an architecture, by its name there, such as `NAFNet`."""
    return spandrel.MAIN_REGISTRY[name].architecture


def network_class(architecture_name: str, name: str) -> type[nn.Module]:
    """Return the class of an architecture's networks: an architecture may have several."""
    module = sys.modules[type(architecture(architecture_name)).__module__]
    found: type[nn.Module] = getattr(module, name)
    return found


def hyperparameters(network: nn.Module) -> dict[str, Any]:
    """Return what a network of spandrel has been built with, defaults included."""
    return dict(network.hyperparameters)  # type: ignore[arg-type]


def detected(state: Mapping[str, Tensor]) -> str | None:
    """Return the name of the architecture that spandrel takes weights to be of, or None if it is none."""
    names = dict(state)
    for support in spandrel.MAIN_REGISTRY.architectures("detection"):
        with contextlib.suppress(AttributeError, LookupError):  # of names that are there, but no tensors as expected
            if support.detect(names):
                return str(support.architecture.id)
    return None
