"""What a caller gives besides pictures, extras and options by name -> what a method's `translate` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from itrans.errors import DataError, ItransError
from itrans.methods.conditions import Accepted, Conditions
from itrans.pictures.extras import described, named_number, number_fault
from itrans.pictures.kinds import kind_of, refuse_unfit
from itrans.pictures.spec import ImageSpec
from itrans.pictures.tensors import stack, stack_extras

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from itrans.pictures.extras import ExtraSpec


def conditions_of(
    accepted: Accepted,
    given: Mapping[str, Any],
    count: int,
    size: tuple[int, int],
    device: torch.device,
    memory_format: torch.memory_format,
) -> Conditions:
    """Return what so many pictures of a height and width are translated with.

    Args:
        accepted: what the method takes.
        given: options, and extras: an array `(H, W, C)`, a number or a name for all pictures; a list of as many; or a
            tensor of as many, as `Batch.extras` has it.
        count: the number of pictures.
        size: their height and width.
        device: where tensors go.
        memory_format: how pictures lie there.

    Raises:
        DataError: an extra is not what it should be.
        ItransError: something is neither an extra nor an option, an extra is missing, or an option is not what it
            should be.
    """
    accepted.refuse_unknown(given)
    options = accepted.checked_options({name: value for name, value in given.items() if name in accepted.options})
    for name in accepted.extras:
        if name in accepted.required and given.get(name) is None:
            raise ItransError(
                f'The method {accepted.who} needs the extra "{name}", {described(accepted.extras[name])}, to translate '
                f"with: --with {name}=..., or translate(picture, {name}=...)."
            )
    extras = {
        name: _tensor(name, spec, given[name], count, size, device, memory_format)
        for name, spec in accepted.extras.items()
        if given.get(name) is not None
    }
    return Conditions(extras, options)


def fixed_values(accepted: Accepted, options: Mapping[str, Any], extras: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is given by name, checked: options, and those extras that are numbers or names of some.

    Raises:
        DataError: an extra is not what it should be, or is a picture.
        ItransError: there is no such option or extra, one is given as the other, or an option is not what it should be.
    """
    accepted.refuse_unknown({**options, **extras})
    for names, noun, other in ((options, "an option", "an extra"), (extras, "an extra", "an option")):
        for name in names:
            if (name in accepted.extras) != (names is extras):
                raise ItransError(f'"{name}" is given as {noun}, and is {other} of the method {accepted.who}.')
    found = accepted.checked_options(options)
    for name, value in extras.items():
        spec = accepted.extras[name]
        if isinstance(spec, ImageSpec):
            raise DataError(f'The extra "{name}" is {described(spec)}, which cannot be given as a value.')
        found[name] = number_of(name, value, spec)
    return found


def given_together(accepted: Accepted, given: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what is given for each of some pictures as it is given for all: of each extra, a list."""
    return {
        name: [one[name] for one in given] if name in accepted.extras else value for name, value in given[0].items()
    }


def number_of(name: str, value: object, spec: ExtraSpec) -> Any:
    """Return an extra that is a number, given as that, or by its name.

    Raises:
        DataError: it is not what it should be.
    """
    try:
        number = named_number(value, spec)
    except ValueError as error:
        raise DataError(f'The extra "{name}": {error}.') from error
    if fault := number_fault(number, spec):
        raise DataError(f'The extra "{name}" {fault}.')
    return number


def stand_ins(accepted: Accepted, size: tuple[int, int]) -> dict[str, Any]:
    """Return something for each extra that the method needs, to measure with."""
    return {
        name: np.full((*size, spec.channels), spec.range[0], spec.dtype) if isinstance(spec, ImageSpec) else 0
        for name, spec in accepted.extras.items()
        if name in accepted.required
    }


def refuse_unlike(name: str, spec: ImageSpec, image: Any, size: tuple[int, int]) -> None:
    """Raise `DataError` if a picture cannot be an extra of a source of a height and width."""
    try:
        refuse_unfit(image, spec)
    except DataError as error:
        raise DataError(f'The extra "{name}": {error}') from error
    if spec.aligned and image.shape[:2] != size:
        (height, width), (other_height, other_width) = size, image.shape[:2]
        raise DataError(
            f'The picture is {width}x{height} and its extra "{name}" {other_width}x{other_height} (width x height): '
            "they should have the same size."
        )


def _tensor(
    name: str,
    spec: ExtraSpec,
    given: Any,
    count: int,
    size: tuple[int, int],
    device: torch.device,
    memory_format: torch.memory_format,
) -> Tensor:
    if isinstance(given, torch.Tensor) and given.ndim:
        if len(given) != count:
            raise DataError(f'There are {len(given)} of the extra "{name}" for {count} pictures.')
        return given.to(device)
    values = [*given] if isinstance(given, list | tuple) else [given] * count
    if len(values) != count:
        raise DataError(
            f'There are {len(values)} of the extra "{name}" for {count} pictures: give one, or one for each.'
        )
    if not isinstance(spec, ImageSpec):
        return stack_extras([number_of(name, value, spec) for value in values], spec, memory_format).to(device)
    for image in values:
        refuse_unlike(name, spec, image, size)
        if image.shape != values[0].shape or image.dtype != values[0].dtype:
            raise DataError(f'The extra "{name}" has pictures of several sizes or types: translate these one by one.')
    stored = stack([kind_of(spec).source_of(image) for image in values], memory_format).to(device)
    return kind_of(spec).planes(stored, spec, memory_format)
