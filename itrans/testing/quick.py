"""What can be told of a component at once: without data, training or computing."""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import TYPE_CHECKING, Any

from itrans.errors import ItransError, LibraryError
from itrans.recipe.parts import OFFERED
from itrans.recipe.signature import Signature
from itrans.registry import accepted_arguments
from itrans.scales import scale_of
from itrans.testing.findings import error_line
from itrans.testing.imports import no_connections
from itrans.testing.static import annotation_faults, attribute_faults, multiple_faults, scale_faults, signature_faults

if TYPE_CHECKING:
    from collections.abc import Callable

_SIZE = 256
_BARE = {"initialize": False}
_NO_FAULTS = (ValueError, ItransError, ImportError, OSError, MemoryError)
"""What a component raises to refuse its defaults, or for want of a file, a network or a package."""

_OF_THE_PLACE = ("meta", "cuda", "nvidia", "fake tensor", "scalartype")
"""What the message of an error has in it that comes from computing without values, without a GPU or autocast."""


def all_faults(kind: str, component: Callable[..., Any]) -> list[str]:
    """Return what is wrong with a component, as far as can be told at once; see `itrans.testing.quick_faults`."""
    try:
        found = [*signature_faults(kind, component), *attribute_faults(kind, component)]
        if not found:
            found += _shape_faults(kind, component)
        return [*found, *annotation_faults(kind, component)]
    except (Exception, SystemExit) as error:  # an attribute may be computed, and raise anything
        return [f"Looking at it raises {error_line(error)}"]


def _shape_faults(kind: str, component: Callable[..., Any]) -> list[str]:
    """Build a network or a loss with its defaults, on the device without values, and return what shapes are wrong.

    Nothing is computed, and no connection is made. What cannot be built so is not judged.
    """
    if kind not in _SHAPES:
        return []
    signature = Signature(component, OFFERED[kind])
    if any(parameter.default is parameter.empty for parameter in signature.parameters.values()):
        return []
    import torch

    try:
        with (
            torch.device("meta"),
            torch.no_grad(),
            torch.random.fork_rng(devices=[]),
            no_connections(),
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            return _SHAPES[kind](component)
    except LibraryError as error:
        return [" ".join(str(error).splitlines())]
    except _NO_FAULTS:
        return []
    except (Exception, SystemExit) as error:
        if kind == "loss":
            return []  # which computes, with values that are not there
        if any(word in str(error).lower() for word in _OF_THE_PLACE):
            return []
        return [f"With the defaults of its arguments it raises {error_line(error)}"]


def _generator_faults(component: Callable[..., Any]) -> list[str]:
    import torch

    from itrans.networks.padding import multiple_of
    from itrans.testing.generators import output_faults

    network: Any = component(**accepted_arguments(component, {"in_channels": 3, "out_channels": 4} | _BARE))
    if found := [*multiple_faults(getattr(network, "size_multiple", 1)), *scale_faults(network)]:
        return found
    if len(Signature(network.forward).required) > 1:
        return []  # its method alone knows what else it is given
    multiple = multiple_of(network)
    side = -(-_SIZE // multiple) * multiple
    source = torch.empty(2, 3, side, side)
    return output_faults(source, network(source), 4, scale_of(network))


def _discriminator_faults(component: Callable[..., Any]) -> list[str]:
    import torch

    from itrans.testing.discriminators import logits_faults

    network: Any = component(**accepted_arguments(component, {"in_channels": 4, "condition_channels": 3} | _BARE))
    return logits_faults(network(torch.empty(2, 4, _SIZE, _SIZE), torch.empty(2, 3, _SIZE, _SIZE)), 2)


def _loss_faults(component: Callable[..., Any]) -> list[str]:
    import torch

    from itrans.records import Translated

    if isinstance(component, type) and issubclass(component, torch.nn.Module):
        return []  # its network may be large, and read or downloaded
    loss: Any = component()
    if loss.role == "adversarial":
        real, fake = torch.empty(2, 1, 8, 8), torch.empty(2, 1, 8, 8)
        values = {"generator()": loss.generator(fake), "discriminator()": loss.discriminator(real, fake)}
    elif loss.role == "image":
        source, target, output = (torch.empty(2, 3, _SIZE, _SIZE) for _ in range(3))
        values = {"It": loss(Translated(source, target, output, discriminate=lambda image: [image]))}
    else:
        return []  # its method alone knows what it is given
    shapes = {name: getattr(value, "shape", None) for name, value in values.items()}
    return [
        f"{name} should give a tensor of no dimensions, but gives "
        f"{f'one of shape {tuple(shape)}' if shape is not None else 'none'}."
        for name, shape in shapes.items()
        if shape is None or len(shape)
    ]


_SHAPES: dict[str, Callable[[Callable[..., Any]], list[str]]] = {
    "generator": _generator_faults,
    "discriminator": _discriminator_faults,
    "loss": _loss_faults,
}
