"""The stages of a generator: from all values on the picture's way to the few that a figure shows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from itrans_inspect.flow import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itrans_inspect.layers import Layer

_SPATIAL = {"conv", "transposed", "pool", "resize", "concatenation"}
"""What takes and makes `(N, C, H, W)`, whatever order a network has its dimensions in elsewhere."""


@dataclass(frozen=True)
class Stage:
    """A block of a figure: what a network has made of the picture at one size.

    Attributes:
        size: height and width; None where values have no place in the picture, as between linear layers.
        channels: how many channels, or values without a place, leave it.
        operation: what leads to it from the stage before, in words; empty for the source.
        copied: how many of the channels a skip connection brought, where the stage ends with joining them.
        convolutions: how many there are at this size, the one that leads to it included.
        value: what leaves it, before a skip connection's channels are joined to it; None in a plain chain.
    """

    size: tuple[int, int] | None
    channels: int
    operation: str = ""
    copied: int = 0
    convolutions: int = 0
    value: Value | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Skip:
    """A connection that leaves stages out.

    Attributes:
        start: the number of the stage that it comes from.
        end: the number of the stage that it leads to.
        kind: how it is joined there.
        convolutions: how many it has of its own.
        joins: what each join on it makes, and what the connection brings to it.
    """

    start: int
    end: int
    kind: Literal["concatenation", "sum"]
    convolutions: int = 0
    joins: tuple[tuple[Value, Value], ...] = field(default=(), repr=False, compare=False)


@dataclass(frozen=True)
class Structure:
    """What a figure of a generator shows.

    Attributes:
        stages: from the source to the output.
        skips: between them.
    """

    stages: list[Stage]
    skips: list[Skip]


def structure_of(output: Value | None, layers: Sequence[Layer]) -> Structure:
    """Return the stages and skip connections of a generator.

    Args:
        output: what it put out, with all that it was made of; None if the source has no part in it.
        layers: its layers as they were called, for a plain chain where there are no sizes to go by.
    """
    way = output.way() if output is not None else []
    points = [value for value in way[1:] if value.kind in _SPATIAL and len(value.shape) == 3]
    if not points or len(way[0].shape) != 3 or len(way[-1].shape) != 3:
        return Structure(_chain(layers), [])
    groups = _groups(way)
    stages = [_stage(group) for group in groups]
    number = {id(value): index for index, group in enumerate(groups) for value in group.values}
    return Structure(stages, _skips(groups, stages, number))


@dataclass
class _Group:
    """The values of one stage."""

    size: tuple[int, int]
    values: list[Value]
    channels: int


def _groups(way: list[Value]) -> list[_Group]:
    """Divide the way wherever the size changes; the source and the output have groups of their own."""
    source = way[0]
    groups = [_Group(_size(source), [source], source.shape[0])]
    waiting: list[Value] = []
    joined = _joined_later(way)
    for before, value in pairwise(way):
        if value.kind not in _SPATIAL or len(value.shape) != 3:
            waiting.append(value)
            waiting = _taken_in(waiting, groups, joined.get(id(value)))
            continue
        waiting.append(value)
        # Padding changes the size that a convolution is given, so that what it puts out is looked at; before a join or
        # a resizing there may be a stage whose last layers are of another kind.
        if value.kind in {"resize", "concatenation"} and len(before.shape) == 3 and _size(before) != groups[-1].size:
            groups.append(_Group(_size(before), waiting[:-1], before.shape[0]))
            waiting = waiting[-1:]
        if _size(value) != groups[-1].size or len(groups) == 1:
            groups.append(_Group(_size(value), [], 0))
        groups[-1].values += waiting
        groups[-1].channels = value.shape[0]
        waiting = []
    groups[-1].values += waiting
    return _with_output_apart(groups)


def _taken_in(waiting: list[Value], groups: list[_Group], later: Value | None) -> list[Value]:
    """Put what is waiting into the last stage, or into a new one, if it can be told where it belongs; return the rest.

    An activation belongs to the stage that it ends, padding to the convolution that it is for. What a join is given
    later on has the size that it has there.
    """
    value, last = waiting[-1], groups[-1]
    if later is not None and _size(later) != last.size:
        groups.append(_Group(_size(later), waiting, later.shape[0]))
        return []
    is_back = value.shape == (last.channels, *last.size)
    if later is not None or is_back or (len(waiting) == 1 and len(value.shape) == 3 and _size(value) == last.size):
        last.values += waiting
        return []
    return waiting


def _joined_later(way: list[Value]) -> dict[int, Value]:
    """Return, for values on the way that skip connections start at, what the other end is given.

    A network may have its dimensions in another order on the way; at a join they are `(C, H, W)`.
    """
    own = {id(value) for value in way}
    found: dict[int, Value] = {}
    for join in way:
        for value in join.inputs if join.kind == "concatenation" else []:
            if value is join.main or len(value.shape) != 3:
                continue
            back = value.way()
            start = next((v for v in reversed(back) if id(v) in own), None)
            if start is not None and not any(v.kind in _SPATIAL for v in back[back.index(start) + 1 :]):
                found[id(start)] = value
    return found


def _with_output_apart(groups: list[_Group]) -> list[_Group]:
    """Split the last group where its last convolution makes other channels than the group had before."""
    last = groups[-1]
    spatial = [value for value in last.values if value.kind in _SPATIAL and len(value.shape) == 3]
    place = max((i for i, value in enumerate(spatial) if value.kind in {"conv", "transposed"}), default=0)
    before = spatial[place - 1] if place else None
    # What is resized and then convolved is one operation.
    if before is None or before.kind == "resize" or before.shape[0] == last.channels:
        return groups
    cut = last.values.index(before) + 1
    kept = _Group(last.size, last.values[:cut], before.shape[0])
    return [*groups[:-1], kept, _Group(last.size, last.values[cut:], last.channels)]


def _size(value: Value) -> tuple[int, int]:
    return value.shape[1], value.shape[2]


def _stage(group: _Group) -> Stage:
    spatial = [value for value in group.values if value.kind in _SPATIAL and len(value.shape) == 3]
    convolutions = sum(value.kind in {"conv", "transposed"} for value in group.values)
    entry = spatial[0] if spatial else None
    operation = entry.operation if entry else ("" if group.values[0].depth == 0 else "other layers")
    if entry is not None and entry.kind == "resize":
        conv = next((value for value in spatial if value.kind == "conv"), None)
        operation += f", {conv.operation}" if conv else ""
    copied = 0
    if spatial and spatial[-1].kind == "concatenation" and (main := spatial[-1].main):
        copied = spatial[-1].shape[0] - main.shape[0]
    return Stage(group.size, group.channels, operation, copied, convolutions, _leaving(group, spatial))


def _leaving(group: _Group, spatial: Sequence[Value]) -> Value | None:
    """Return what leaves a group of values; of a join at its end, what came the long way."""
    if spatial and spatial[-1].kind == "concatenation":
        return spatial[-1].main
    shape = (group.channels, *group.size)
    return next((value for value in reversed(group.values) if value.shape == shape), None)


def _skips(groups: list[_Group], stages: list[Stage], number: dict[int, int]) -> list[Skip]:
    found: dict[tuple[int, int], Skip] = {}
    for end, group in enumerate(groups):
        for value in group.values:
            if value.kind not in {"concatenation", "sum"}:
                continue
            for other in value.inputs:
                if other is value.main:
                    continue
                back = other.way()
                known = next((v for v in reversed(back) if id(v) in number), None)
                if known is None:
                    continue
                start = number[id(known)]
                own = sum(v.kind == "conv" for v in back[back.index(known) + 1 :])
                # What leads from one stage to the next is the other way through a block, such as a residual one's.
                if start + 1 < end:
                    kind: Literal["concatenation", "sum"] = "sum" if value.kind == "sum" else "concatenation"
                    skip = found.setdefault((start, end), Skip(start, end, kind, own))
                    found[start, end] = replace(skip, joins=(*skip.joins, (value, other)))
    ends = {skip.end for skip in found.values() if skip.kind == "concatenation"}
    for index, stage in enumerate(stages):
        if index not in ends:
            stages[index] = replace(stage, copied=0)
    return sorted(found.values(), key=lambda skip: (skip.start, skip.end))


def _chain(layers: Sequence[Layer]) -> list[Stage]:
    """Return a stage for each layer with weights that makes something of another shape."""
    stages: list[Stage] = []
    for layer in layers:
        if layer.shape is None or not layer.parameters:
            continue
        size = (layer.shape[1], layer.shape[2]) if len(layer.shape) == 3 else None
        channels = layer.shape[0] if size else layer.shape[-1] if layer.shape else 1
        if not stages or (size, channels) != (stages[-1].size, stages[-1].channels):
            stages.append(Stage(size, channels, layer.kind, convolutions=1))
    return stages
