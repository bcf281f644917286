"""How a method calls networks that take more than a picture: it is let translate, or train, until it gets to them."""

from __future__ import annotations

import contextlib
import inspect
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from itrans.api import Batch, ImageSpec, ItransError, PluginError, error_text, scale_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from torch import nn

    from itrans.api import Method


class Inputs(NamedTuple):
    """What a network is called with.

    Attributes:
        places: by position, the picture first.
        named: by name.
    """

    places: tuple[Any, ...]
    named: Mapping[str, Any] = {}

    def to(self, device: str) -> Inputs:
        """Return copies on a device."""
        return Inputs(
            tuple(_copy(value, device) for value in self.places),
            {name: _copy(value, device) for name, value in self.named.items()},
        )


class Calls:
    """How the networks of a method are called.

    Args:
        method: the method.
        source: what its source pictures are.
        target: what its target pictures are.
        extras: what pairs have besides.
    """

    def __init__(self, method: Method, source: ImageSpec, target: ImageSpec, extras: Mapping[str, Any]) -> None:
        self._method, self._source, self._target, self._extras = method, source, target, extras

    def of(self, module: nn.Module, size: int) -> Inputs:
        """Return what a network is called with first, where sources are `size` high and wide.

        Raises:
            PluginError: it is not called, or the method fails before.
        """
        found: list[Inputs] = []

        def note(_module: nn.Module, places: tuple[Any, ...], named: dict[str, Any]) -> None:
            found.append(Inputs(places, named))
            raise _Reached

        handle = module.register_forward_pre_hook(note, with_kwargs=True)
        who, reason = type(module).__name__, ""
        try:
            for attempt in (self._translate, self._step):
                with contextlib.suppress(_Reached):
                    try:
                        attempt(size)
                    except Exception as error:  # whatever a method of somebody else's raises
                        reason = reason or (str(error) if isinstance(error, ItransError) else error_text(error))
                if found:
                    return found[0].to("cpu")
        finally:
            handle.remove()
        raise PluginError(
            f"{who} takes more than a picture, and how it is called cannot be seen: {reason or 'it is not called.'}"
        )

    def _translate(self, size: int) -> None:
        translate: Callable[..., object] = self._method.translate
        known = {**(getattr(self._method, "extras", None) or {}), **self._extras}
        needed = [
            name
            for name, one in inspect.signature(translate).parameters.items()
            if one.kind is one.KEYWORD_ONLY and one.default is one.empty
        ]
        if lacking := [name for name in needed if name not in known]:
            raise PluginError(f'translate() needs the extra "{lacking[0]}", and no data set is read that has it.')
        given = {name: stand_in(known[name], size) for name in needed}
        with torch.no_grad():
            translate(torch.zeros(1, self._source.planes, size, size), **given)

    def _step(self, size: int) -> None:
        large = int(size * scale_of(self._method))
        batch = Batch(
            torch.zeros(1, self._source.planes, size, size),
            torch.zeros(1, self._target.planes, large, large),
            ("nothing",),
            {name: stand_in(spec, size) for name, spec in self._extras.items()},
        )
        self._method.step(batch, Pretence())


class _Reached(BaseException):
    """The network is about to compute; no method catches this as an error of its own."""


class Pretence:
    """A runtime that changes no weights."""

    step, steps, device = 0, 1, torch.device("cpu")

    @contextlib.contextmanager
    def update(self, *_networks: str) -> Iterator[Any]:
        """Yield what takes losses, and does nothing."""
        yield lambda _losses: None


def stand_in(spec: Any, size: int) -> Tensor:
    """Return an extra of one picture."""
    if isinstance(spec, ImageSpec):
        return torch.zeros(1, spec.planes, size, size)
    return torch.zeros(1, dtype=torch.float32 if spec is float else torch.int64)


def _copy(value: Any, device: str) -> Any:
    return value.detach().to(device).clone() if isinstance(value, Tensor) else value
