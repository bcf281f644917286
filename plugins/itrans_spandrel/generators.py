"""A network of spandrel as a generator."""

from __future__ import annotations

import inspect
import logging
import math
import warnings
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from itrans.api import Recognized
from itrans_spandrel.arguments import channel_arguments, recipe_signature
from itrans_spandrel.library import architecture, hyperparameters, network_class

if TYPE_CHECKING:
    from collections.abc import Mapping

    import spandrel

_log = logging.getLogger("itrans")

_ERRORS = (ArithmeticError, AssertionError, LookupError, NotImplementedError, RuntimeError, TypeError, ValueError)
"""What a network of spandrel's raises for arguments that do not fit each other."""


class SpandrelGenerator(nn.Module):
    """A network of spandrel for pictures in [-1, 1]; a subclass says which, and has its arguments.

    spandrel's networks take and make values in [0, 1]. What they make beyond is cut off, as spandrel does; in training
    the gradient passes there as if it were not.

    How a network is called, how much larger its output is and which sizes it takes is asked of spandrel, which reads it
    off the weights. So the weights can be used by every program that loads them by spandrel; of an argument that the
    weights do not tell, and that spandrel would take another value for, a warning says so.

    Attributes:
        scale: how many times as high and wide as the source the output is.
        size_multiple: height and width have to be multiples of this.

    Raises:
        ValueError: no network has these arguments, or these numbers of channels.
    """

    test_mode = "running"
    more_channels: ClassVar[int] = 0
    """How many channels, such as a mask, a source has besides those that spandrel counts."""

    architecture: ClassVar[spandrel.Architecture[nn.Module]]
    network_class: ClassVar[type[nn.Module]]

    def __init_subclass__(cls, *, architecture_name: str = "", network: str = "") -> None:
        """Take a network's arguments: by default that of the subclass's name, of the architecture of that name."""
        super().__init_subclass__()
        cls.architecture = architecture(architecture_name or cls.__name__)
        cls.network_class = network_class(architecture_name or cls.__name__, network or cls.__name__)
        cls.__signature__ = recipe_signature(cls.network_class)  # type: ignore[attr-defined]

    def __init__(self, **arguments: Any) -> None:
        super().__init__()
        given = inspect.signature(type(self)).bind(**arguments).arguments
        in_channels, out_channels = given.pop("in_channels"), given.pop("out_channels")
        initialize = given.pop("initialize", True)
        with warnings.catch_warnings(action="ignore"):  # about ways of torch's that are no longer its own
            self.network = self._built(in_channels, out_channels, given)
            described = self._described(given)
            self.scale: int = described.scale
            self.size_multiple: int = described.size_requirements.multiple_of
            self._requirements = described.size_requirements
            self._call = described._call_fn
            is_real = not any(weight.is_meta for weight in self.parameters())
            if initialize or not is_real:  # else it has been tried before its weights were trained
                self._try(in_channels, out_channels, is_real=is_real)
            if initialize and is_real:
                _warn_of_others(self.network, described.model)

    @classmethod
    def recognize(cls, state: Mapping[str, Tensor]) -> Recognized | None:
        """Return the network that weights belong to, if spandrel finds that it is one of these."""
        from itrans_spandrel.recognition import recognized

        return recognized(cls, state)

    def forward(self, source: Tensor) -> Tensor:
        """Translate `(N, Cin, H, W)` in [-1, 1] to `(N, Cout, scale * H, scale * W)` in [-1, 1]."""
        height, width = source.shape[-2:]
        pictures = source * 0.5 + 0.5
        if self._requirements.minimum > self.size_multiple or self._requirements.square:
            more_columns, more_rows = self._requirements.get_padding(width, height)
            pictures = _enlarged(pictures, height + more_rows, width + more_columns)
        parts = [pictures] if self.takes_batches() else torch.split(pictures, 1)
        output = torch.cat([self.call(part) for part in parts])
        output = output[..., : self.scale * height, : self.scale * width] * 2 - 1
        within = output.clamp(-1, 1)
        return output + (within - output).detach() if self.training else within

    def call(self, picture: Tensor) -> Tensor:
        """Return what the network makes of pictures in [0, 1] of a size that it takes."""
        made: Tensor = self._call(self.network, picture)
        return made

    def takes_batches(self) -> bool:
        """Whether the network takes several pictures at once, as nearly all do."""
        return True

    @classmethod
    def channels(cls, in_channels: int, out_channels: int, given: Mapping[str, Any]) -> dict[str, int]:
        """Return numbers of channels under the names that the network has for them."""
        return channel_arguments(cls.network_class, in_channels, out_channels)

    def _built(self, in_channels: int, out_channels: int, given: Mapping[str, Any]) -> nn.Module:
        try:
            return self.network_class(**self.channels(in_channels, out_channels, given), **given)
        except _ERRORS as error:
            raise ValueError(f"spandrel builds no such network: {_reason(error)}") from error

    def _described(self, given: Mapping[str, Any]) -> Any:
        """Return what spandrel says about the network when it is shown its weights."""
        try:
            with torch.random.fork_rng(devices=[]):
                return self.architecture.load(dict(self.network.state_dict()))
        except _ERRORS as error:
            raise ValueError(
                f"spandrel could not read the weights of a network with these ({', '.join(given)}), nor could any "
                f"program that gets them: {_reason(error)}"
            ) from error

    def _try(self, in_channels: int, out_channels: int, *, is_real: bool) -> None:
        """Translate noise, and set weights that have no part in it aside: no gradient would reach them.

        Where weights have no values, only shapes are looked at.
        """
        side = _first_multiple(max(_TRIED, self._requirements.minimum), self.size_multiple)
        weights = {name: weight for name, weight in self.named_parameters() if weight.requires_grad}
        statistics = {name: buffer.clone() for name, buffer in self.named_buffers()}
        found: tuple[Tensor | None, ...] = ()
        try:
            with torch.random.fork_rng(devices=[]), torch.set_grad_enabled(is_real):
                noise = torch.rand(2, in_channels, side, side)
                made = torch.func.functional_call(self, statistics, (noise,))
                if is_real:
                    found = torch.autograd.grad(made.sum(), list(weights.values()), allow_unused=True)
        except _ERRORS as error:
            raise ValueError(f"{_what(in_channels, out_channels)}: {_reason(error)}") from error
        if made.shape != (2, out_channels, self.scale * side, self.scale * side):
            raise ValueError(f"{_what(in_channels, out_channels)}: it makes pictures of {made.shape[1]}")
        for weight, gradient in zip(weights.values(), found, strict=is_real):
            weight.requires_grad_(gradient is not None)


def _warn_of_others(network: nn.Module, read: nn.Module) -> None:
    """Warn of arguments that spandrel takes another value for when it reads the weights."""
    own, others = hyperparameters(network), hyperparameters(read)
    different = [name for name in own if name not in _OF_NO_EFFECT and not _alike(own[name], others.get(name))]
    if different:
        values = ", ".join(f"{name} = {others.get(name)}" for name in different)
        _log.warning(f"Weights of {type(network).__name__} do not tell all: other programs will take {values}.")


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=0.05)  # read off numbers of channels, so rounded
    return bool(_listed(one) == _listed(other))


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


_OF_NO_EFFECT = ("img_size", "drop_path_rate", "bias")
"""Arguments that weights do not tell and that nothing depends on when pictures are translated."""

_TRIED = 32
"""The height and width of the pictures that a network is tried with, if it takes such small ones."""


def _what(in_channels: int, out_channels: int) -> str:
    return f"spandrel's network translates no pictures of {in_channels} to {out_channels} channels with these arguments"


def _first_multiple(least: int, of: int) -> int:
    return -(-least // of) * of


def _enlarged(picture: Tensor, height: int, width: int) -> Tensor:
    """Return a picture with more rows below and more columns on the right: its own, reflected as far as that goes."""
    for mode in ("reflect", "replicate"):
        rows, columns = picture.shape[-2:]
        below, right = height - rows, width - columns
        if mode == "reflect":
            below, right = min(below, rows - 1), min(right, columns - 1)
        if below or right:
            picture = functional.pad(picture, (0, right, 0, below), mode)
    return picture


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__
