"""A picture on its way through a generator: what is made of it, and what is made without some of that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from itrans.api import PluginError
from itrans_inspect.flow import Following, Value
from itrans_inspect.stages import Skip, Structure, structure_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from torch import nn

    from itrans.commands import Translator
    from itrans_inspect.explaining.picture import Picture


class Passage:
    """One translation of one picture, which can be repeated with something left out.

    A method may call a generator many times, or several of them: the last call, which makes the output, is looked at.

    Args:
        translator: of the checkpoint, with its mode and seed.
        picture: what is translated.
        direction: one of the translator's.

    Attributes:
        output: `(1, C', scale H, scale W)`, as the generator gives it.
        name: of the generator that makes it.
        network: that generator.
        calls: how often it is called for one picture.
        structure: its stages and skip connections, as far as they can be told.
        given: the shape of what the network is given, without the batch.

    Raises:
        ItransError: the picture cannot be translated.
    """

    def __init__(self, translator: Translator, picture: Picture, direction: str | None) -> None:
        self._translator, self._picture, self._direction = translator, picture, direction
        self.name, self.calls = self._called()
        self.network = translator.generators[self.name]
        self.structure, self.given = Structure([], []), tuple(picture.source.shape[1:])
        self.output, following, value = self._run(Following)
        if following is not None and value is not None:
            self.given = value.way()[0].shape
            self.structure = structure_of(value, [])

    def translated(self, seed: int | None = None, translator: Translator | None = None) -> Tensor:
        """Return the output of another seed, or of another translator."""
        return (translator or self._translator).translate_planes(
            self._picture.source, self._direction, seed=seed, **self._picture.given
        )

    def stage_values(self) -> list[Tensor | None]:
        """Return what each stage puts out, `(C, H, W)`, as it is when it is made; None where that is not known."""
        wanted = [stage.value for stage in self.structure.stages]
        _, following, _ = self._run(lambda picture: _Keeping(picture, [value for value in wanted if value]))
        if not isinstance(following, _Keeping):
            return [None] * len(wanted)
        kept = following.kept
        return [None if value is None else kept.get(value.call) for value in wanted]

    def without(self, skips: Iterable[Skip]) -> Tensor:
        """Return the output where skip connections bring zeros."""
        cut = {(join.call[0], brought.call) for skip in skips for join, brought in skip.joins}
        return self._run(lambda picture: _Cutting(picture, cut))[0]

    def _called(self) -> tuple[str, int]:
        order: list[str] = []
        handles = [
            network.register_forward_pre_hook(lambda _module, _given, name=name: order.append(name))
            for name, network in self._translator.generators.items()
        ]
        try:
            self.translated()
        finally:
            for handle in handles:
                handle.remove()
        if not order:
            raise PluginError("The method translates without calling one of its generators: nothing can be followed.")
        return order[-1], order.count(order[-1])

    def _run(self, make: Callable[[Tensor], Following]) -> tuple[Tensor, Following | None, Value | None]:
        """Return the output of a translation, who has followed its last call, and what is known of what that made."""
        network, count = self.network, 0
        following: Following | None = None
        value: Value | None = None

        def begin(_module: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
            nonlocal count, following
            count += 1
            picture = next((one for one in (*given, *named.values()) if isinstance(one, Tensor)), None)
            if count == self.calls and picture is not None:
                following = make(picture)
                following.__enter__()  # type: ignore[no-untyped-call]

        def end(_module: nn.Module, _given: tuple[Any, ...], output: Any) -> None:
            nonlocal value
            if count == self.calls and following is not None:
                following.__exit__(None, None, None)  # type: ignore[no-untyped-call]
                value = following.value_of(output)

        handles = [
            network.register_forward_pre_hook(begin, with_kwargs=True),
            network.register_forward_hook(end, always_call=True),
        ]
        try:
            return self.translated(), following, value
        finally:
            for handle in handles:
                handle.remove()


class _Keeping(Following):
    """Keeps copies of some values."""

    def __init__(self, picture: Tensor, wanted: Sequence[Value]) -> None:
        super().__init__(picture)
        self._wanted = {value.call for value in wanted}
        self.kept: dict[tuple[int, int], Tensor] = {}

    def note(self, value: Value, tensor: Tensor) -> None:
        if value.call in self._wanted:
            self.kept[value.call] = tensor[0].detach().float().clone()


class _Cutting(Following):
    """Gives zeros to some calls in place of what they are given."""

    def __init__(self, picture: Tensor, cut: set[tuple[int, tuple[int, int]]]) -> None:
        super().__init__(picture)
        self._cut = cut

    def arguments(self, call: int, given: Any) -> Any:
        if isinstance(given, Tensor):
            value = self.value_of(given)
            is_cut = value is not None and (call, value.call) in self._cut
            return torch.zeros_like(given) if is_cut else given
        if isinstance(given, dict):
            return {name: self.arguments(call, one) for name, one in given.items()}
        if type(given) in {list, tuple}:
            return type(given)(self.arguments(call, one) for one in given)
        return given
