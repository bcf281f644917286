"""What a discriminator says of a picture, patch by patch, and the gradient that one of its logits sends back."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm, _NormBase

from itrans.api import Batch, error_text, scale_of
from itrans_inspect.calls import Inputs, Pretence, stand_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from itrans.api import ImageSpec
    from itrans.commands import Translator
    from itrans_inspect.explaining.picture import Picture
    from itrans_inspect.fields import Field
    from itrans_inspect.report import Inspected
    from itrans_inspect.subject import Subject

    Side = Literal["source", "target"]


@dataclass(frozen=True)
class Gradient:
    """What one logit sends back.

    Attributes:
        row: of the logit in its map.
        column: of the logit in its map.
        logit: its value.
        of_picture: its gradient with respect to the picture, `(C, H, W)`, where the statistics of normalisation layers
            are taken for constants.
        of_source: the same with respect to the source; None where the discriminator does not see it.
        beyond: which part of the gradient's absolute sum is outside the patch where the statistics are no constants.
    """

    row: int
    column: int
    logit: float
    of_picture: Tensor
    of_source: Tensor | None
    beyond: float

    @property
    def box(self) -> tuple[int, int, int, int] | None:
        """The smallest box that has all of it: left, top, right and bottom, the last two not included."""
        used = self.of_picture.ne(0).any(dim=0)
        rows, columns = (used.any(dim=side).nonzero().flatten().tolist() for side in (1, 0))
        return (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1) if rows else None


class Judge:
    """A discriminator with a checkpoint's weights, and how it is called.

    Args:
        entry: what is known of it.
        given: what it is called with: a picture, and whatever else it sees of this source.
        mode: `paper` normalises by the statistics of the one picture, `running` by those gathered in training.

    Attributes:
        name: what the method calls it.
        fields: the patches of its maps of logits.
    """

    def __init__(self, entry: Inspected, given: Inputs, mode: str) -> None:
        self._module, self._given = entry.traced.network.module, given
        self.name, self.fields = entry.traced.network.name, entry.fields
        self._module.eval().requires_grad_(requires_grad=False)
        for part in self._module.modules():
            if isinstance(part, _BatchNorm) and mode == "paper":
                part.train()

    @property
    def sees_source(self) -> bool:
        """Whether it is given the source, too."""
        return self._source is not None

    @property
    def _source(self) -> Tensor | None:
        return next((one for one in self._given.places[1:] if isinstance(one, Tensor) and one.ndim == 4), None)

    def maps(self, picture: Tensor) -> list[Tensor]:
        """Return its maps of logits of a picture `(1, C, H, W)`, each `(h, w)`: one, or one for each scale."""
        with torch.no_grad():
            return [found[0, 0] for found in self._outputs(picture.clone(), self._given.places[1:])]

    def gradient(self, picture: Tensor, number: int, row: int, column: int) -> Gradient:
        """Return what a logit of one of the maps sends back to a picture."""
        with _held_statistics(self._module):
            value, of_picture, of_source = self._sent_back(picture, number, row, column)
        _, whole, _ = self._sent_back(picture, number, row, column)
        total = float(whole.abs().sum())
        beyond = float(whole[:, ~of_picture.ne(0).any(dim=0)].abs().sum()) / total if total else 0.0
        return Gradient(row, column, value, of_picture, of_source, beyond)

    def _sent_back(self, picture: Tensor, number: int, row: int, column: int) -> tuple[float, Tensor, Tensor | None]:
        image, source = picture.detach().clone().requires_grad_(), self._source
        rest = [*self._given.places[1:]]
        inputs = [image]
        if source is not None:
            inputs.append(source.detach().clone().requires_grad_())
            rest[next(place for place, one in enumerate(rest) if one is source)] = inputs[1]
        with torch.enable_grad():
            # Copies, as a network may write over what it is given.
            copies = [one.clone() if isinstance(one, Tensor) else one for one in rest]
            value = self._outputs(image.clone(), copies)[number][0, 0, row, column]
            found = torch.autograd.grad(value, inputs, allow_unused=True)
        sent = [torch.zeros_like(one) if grad is None else grad for one, grad in zip(inputs, found, strict=True)]
        return float(value.detach()), sent[0][0], sent[1][0] if source is not None else None

    def _outputs(self, picture: Tensor, rest: Any) -> list[Tensor]:
        outputs = self._module(picture, *rest, **self._given.named)
        listed = outputs if isinstance(outputs, list | tuple) else [outputs]
        return [one for one in listed if isinstance(one, Tensor) and one.ndim == 4 and one.shape[1] == 1]


def judges_of(
    subject: Subject, networks: list[Inspected], picture: Picture, translator: Translator, direction: str | None
) -> tuple[list[Judge], str]:
    """Return the discriminators that a step of training shows what a direction makes, and why there are none.

    Args:
        subject: the checkpoint's; its networks take its weights.
        networks: what is known of them.
        picture: what they judge.
        translator: of the same checkpoint.
        direction: one of its directions.
    """
    discriminators = [entry for entry in networks if entry.traced.network.kind == "discriminator"]
    if not discriminators:
        return [], "The recipe of this checkpoint has no discriminator."
    if subject.checkpoint is None:
        return [], "A recipe has no weights."
    states: Mapping[str, Any] = subject.checkpoint.networks
    lacking = [entry for entry in discriminators if entry.traced.network.name not in states]
    if lacking:
        name = lacking[0].traced.network.name
        return [], f'The checkpoint holds no weights of "{name}": it was made to translate with.'
    try:
        for entry in networks:
            network = entry.traced.network
            if network.name in states:
                network.module.load_state_dict(states[network.name])
        calls = _calls_of_a_step(subject, discriminators, picture, translator, direction)
    except Exception as error:  # whatever a method of somebody else's raises
        return [], f"How the method calls its discriminator cannot be seen: {error_text(error)}"
    found = [Judge(entry, given, translator.mode) for entry, given in calls]
    if not found:
        return [], "A step of training shows the target to no discriminator by itself."
    return found, ""


def _calls_of_a_step(
    subject: Subject,
    discriminators: list[Inspected],
    picture: Picture,
    translator: Translator,
    direction: str | None,
) -> list[tuple[Inspected, Inputs]]:
    """Return what the discriminators that are shown the target are called with, of that one picture."""
    taken, made = translator.sides(direction)
    specs: dict[Side, ImageSpec] = {"source": subject.source, "target": subject.target}
    sides = {taken: picture.source}
    if made != taken:
        sides[made] = _noise(specs[made], picture, translator, direction) if picture.target is None else picture.target
    for side, spec in specs.items():
        sides.setdefault(side, _noise(spec, picture, translator, direction))
    shown, size = sides[made], picture.source.shape[-1]
    known = subject.checkpoint.extras if subject.checkpoint is not None else {}
    extras = {
        name: picture.extras[name] if name in picture.extras else stand_in(spec, size) for name, spec in known.items()
    }
    found: list[tuple[Inspected, Inputs]] = []
    handles = []
    for entry in discriminators:

        def note(_module: nn.Module, places: Any, named: Any, entry: Inspected = entry) -> None:
            inputs = _of_one(places, named, shown)
            if inputs is not None and all(other is not entry for other, _ in found):
                found.append((entry, inputs))

        handles.append(entry.traced.network.module.register_forward_pre_hook(note, with_kwargs=True))
    try:
        with torch.random.fork_rng([]), torch.enable_grad():
            torch.default_generator.manual_seed(0)
            batch = Batch(sides["source"], sides["target"], (picture.name,), extras)
            subject.method.step(batch, Pretence())
    finally:
        for handle in handles:
            handle.remove()
    return found


def _noise(spec: ImageSpec, picture: Picture, translator: Translator, direction: str | None) -> Tensor:
    """Return what stands in for a side of the pair that there is none of, and is like nothing else."""
    is_made = translator.sides(direction)[1] == "target"
    scale = scale_of(translator.method) if is_made and spec == translator.target else 1
    size = [int(side * scale) for side in picture.source.shape[-2:]]
    return torch.rand(1, spec.planes, *size, generator=torch.Generator().manual_seed(0)) * 2 - 1


def _of_one(places: tuple[Any, ...], named: Mapping[str, Any], picture: Tensor) -> Inputs | None:
    """Return what a call is given for one picture of its batch; None if that picture is not among them."""
    first = places[0] if places else None
    if not isinstance(first, Tensor) or first.shape[1:] != picture.shape[1:]:
        return None
    place = next((place for place, one in enumerate(first) if torch.equal(one, picture[0])), None)
    if place is None:
        return None
    count = len(first)

    def of_one(value: Any) -> Any:
        is_for_each = isinstance(value, Tensor) and value.ndim and len(value) == count
        return value[place : place + 1].detach().clone() if is_for_each else value

    return Inputs(tuple(map(of_one, places)), {name: of_one(value) for name, value in named.items()})


def patch_of(field: Field, row: int, column: int, size: tuple[int, int]) -> tuple[float, float, float, float]:
    """Return where the patch of a logit is, in pixels: left, top, right and bottom; it may reach over the edges."""
    if field.width is None:
        return 0.0, 0.0, float(size[1]), float(size[0])
    left, top = (field.origin + place * field.spacing for place in (column, row))
    return left, top, left + field.width, top + field.width


def most_doubtful(logits: Tensor, field: Field, size: tuple[int, int]) -> tuple[int, int]:
    """Return row and column of the lowest logit, of those whose patches are within the picture if there are any."""
    inside = torch.zeros_like(logits, dtype=torch.bool)
    for row in range(logits.shape[0]):
        for column in range(logits.shape[1]):
            left, top, right, bottom = patch_of(field, row, column, size)
            inside[row, column] = left >= 0 and top >= 0 and right <= size[1] and bottom <= size[0]
    if not inside.any():
        inside[:] = True
    place = int(logits.masked_fill(~inside, float("inf")).argmin())
    return place // logits.shape[1], place % logits.shape[1]


@contextlib.contextmanager
def _held_statistics(module: nn.Module) -> Iterator[None]:
    """Have normalisations by the picture's own statistics take them for constants: else every pixel has a gradient."""

    def normalized(part: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        found = inputs[0]
        if isinstance(part, nn.GroupNorm):
            shaped = found.reshape(len(found), part.num_groups, -1)
            deviation, mean = torch.std_mean(shaped.detach(), dim=2, correction=0, keepdim=True)
            scaled = ((shaped - mean) / (deviation**2 + part.eps).sqrt()).reshape(found.shape)
        else:
            sides = (0, 2, 3) if isinstance(part, _BatchNorm) else (2, 3)
            deviation, mean = torch.std_mean(found.detach(), dim=sides, correction=0, keepdim=True)
            scaled = (found - mean) / (deviation**2 + part.eps).sqrt()  # type: ignore[operator]
        if part.weight is None:
            return scaled
        return scaled * part.weight.view(1, -1, 1, 1) + part.bias.view(1, -1, 1, 1)  # type: ignore[operator]

    def is_own(part: nn.Module) -> bool:
        if isinstance(part, _NormBase):
            return part.training or part.running_mean is None
        return isinstance(part, nn.GroupNorm)

    handles = [part.register_forward_hook(normalized) for part in module.modules() if is_own(part)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
