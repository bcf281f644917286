"""Everything that is known of a method's networks, as plain data."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from torch import nn

from itrans.api import ItransError
from itrans_inspect.fields import Field, fields_of
from itrans_inspect.layers import COUNTED, Traced, trace

if TYPE_CHECKING:
    from itrans_inspect.subject import Subject

_log = logging.getLogger("itrans")


@dataclass(frozen=True)
class Depth:
    """A discriminator like the one that is inspected, of some depth.

    Attributes:
        layers: how many convolutions of stride 2 it has.
        receptive_field: how many pixels wide a patch is.
        logits: how many there are along one side; 0 where the picture is too small.
        parameters: how many it has.
        in_use: whether it is the one that is inspected.
    """

    layers: int
    receptive_field: int
    logits: int
    parameters: int
    in_use: bool


@dataclass(frozen=True)
class Inspected:
    """A network, and what is known of it.

    Attributes:
        traced: its layers.
        fields: a discriminator's patches, one for each map of logits.
        depths: what the discriminator would be with other numbers of layers, where it tells (`depths(size)`).
    """

    traced: Traced
    fields: list[Field]
    depths: list[Depth]


def inspect_networks(subject: Subject, size: int) -> list[Inspected]:
    """Look at every network of a method.

    Args:
        subject: what to inspect.
        size: height and width of the pictures.

    Raises:
        ItransError: a network does not take pictures of that size.
    """
    found = []
    for network in subject.networks:
        try:
            passed = trace(network, network.size_for(size))
        except ItransError as error:
            raise type(error)(f"{network.name}: {error}") from error
        is_judge = network.kind == "discriminator"
        found.append(Inspected(passed, fields_of(passed) if is_judge else [], _depths(passed) if is_judge else []))
    return found


def _depths(passed: Traced) -> list[Depth]:
    """Return what the discriminator says of others of its kind; nothing if its `depths` is something else."""
    depths = getattr(passed.network.module, "depths", None)
    if not callable(depths) or isinstance(depths, nn.Module):
        return []
    try:
        return [Depth(**row) for row in depths(passed.size)]
    except Exception:  # somebody else's method that happens to have this name
        _log.debug("%s.depths(size) makes no table", passed.network.name)
        return []


def as_data(subject: Subject, networks: list[Inspected]) -> dict[str, Any]:
    """Return everything as what JSON can hold."""
    return {
        "title": subject.title,
        "source": asdict(subject.source),
        "target": asdict(subject.target),
        "notes": subject.notes,
        "counted": COUNTED,
        "networks": [_network(entry) for entry in networks],
    }


def _network(entry: Inspected) -> dict[str, Any]:
    passed = entry.traced
    network = passed.network
    return {
        "name": network.name,
        "kind": network.kind,
        "type": type(network.module).__name__,
        "size": passed.size,
        "in_channels": network.in_channels,
        "condition_channels": network.condition_channels,
        "outputs": passed.outputs,
        "parameters": passed.parameters,
        "multiply_adds": passed.multiply_adds,
        "layers": [
            {
                "path": layer.path,
                "type": layer.kind,
                "shape": layer.shape,
                "parameters": layer.parameters,
                "multiply_adds": layer.multiply_adds,
                "calls": layer.calls,
            }
            for layer in passed.layers
        ],
        "receptive_fields": [asdict(field) for field in entry.fields],
        "depths": [asdict(depth) for depth in entry.depths],
    }
