"""Small networks and losses for a method to train."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from itrans.protocols import WeightedLoss
from itrans.records import Translated
from itrans.registry import accepted_arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class SmallGenerator(nn.Module):
    """A generator that wants multiples of 4, and says so if it gets anything else."""

    size_multiple = 4

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(in_channels, 4, 4, stride=4)
        self.last = nn.ConvTranspose2d(4, out_channels, 4, stride=4)

    def forward(self, source: Tensor) -> Tensor:
        """Translate `(N, Cin, H, W)` in [-1, 1] to `(N, Cout, H, W)`."""
        height, width = source.shape[-2:]
        if height % 4 or width % 4:
            raise RuntimeError(
                f"a generator with size_multiple = 4 was given a picture of {width}x{height}: apply_generator of "
                "itrans.api pads pictures, and crops outputs back"
            )
        output: Tensor = self.last(self.first(source).relu()).tanh()
        return output


class SmallDiscriminator(nn.Module):
    """A discriminator of 8x8 patches."""

    def __init__(self, in_channels: int, condition_channels: int) -> None:
        super().__init__()
        self._condition_channels = condition_channels
        self.first = nn.Conv2d(in_channels + condition_channels, 4, 4, stride=2, padding=1)
        self.last = nn.Conv2d(4, 1, 3, padding=1)

    def features(self, image: Tensor, condition: Tensor | None) -> list[Tensor]:
        """Return the activations before the last layer."""
        if (condition is None) != (self._condition_channels == 0):
            raise RuntimeError(
                f"a discriminator with condition_channels = {self._condition_channels} was given "
                f"{'no' if condition is None else 'a'} condition"
            )
        seen = image if condition is None else torch.cat([condition, image], dim=1)
        return [functional.leaky_relu(self.first(seen), 0.2)]

    def forward(self, image: Tensor, condition: Tensor | None) -> Tensor:
        """Return the logits of patches, `(N, 1, H', W')`."""
        logits: Tensor = self.last(self.features(image, condition)[0])
        return logits


class ConditionalLoss:
    """The adversarial loss of a discriminator that sees the source."""

    role = "adversarial"
    conditional = True

    def generator(self, fake_logits: Tensor) -> Tensor:
        """Return a scalar that falls as these logits rise."""
        return functional.softplus(-fake_logits.float()).mean()

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """Return a scalar that falls as real logits rise and fake ones fall."""
        return functional.softplus(-real_logits.float()).mean() + functional.softplus(fake_logits.float()).mean()


class UnconditionalLoss(ConditionalLoss):
    """The adversarial loss of a discriminator that sees the judged picture alone."""

    conditional = False


class Difference:
    """The mean absolute difference of output and target."""

    role = "image"

    def __call__(self, translated: Translated) -> Tensor:
        """Return a scalar."""
        return functional.l1_loss(translated.output.float(), translated.target.float())


def chosen_losses(component: Callable[..., Any]) -> list[WeightedLoss]:
    """Return losses that a method does not refuse: adversarial and image losses, or some of them.

    One that takes no `build_discriminator` gets no adversarial loss, and one that says its `roles` gets those.
    """
    roles = getattr(component, "roles", None)
    if not isinstance(roles, tuple | list):
        roles = ("image", "adversarial")
    if not accepted_arguments(component, {"build_discriminator": None}):
        roles = [role for role in roles if role != "adversarial"]
    choices: list[list[Any]] = [
        [ConditionalLoss(), Difference()],
        [UnconditionalLoss(), Difference()],
        [Difference()],
        [UnconditionalLoss()],
        [],
    ]
    choices = [losses for losses in choices if {loss.role for loss in losses} <= {*roles}]
    entries = [[WeightedLoss(type(loss).__name__, 1.0, loss) for loss in losses] for losses in choices]
    taken = [some for some in entries if not refusals(component, some, is_judged(some))]
    return (taken or [some for some in entries if wants_discriminator(component, some)] or entries)[0]


def refusals(component: Callable[..., Any], losses: Sequence[WeightedLoss], has_discriminator: bool) -> list[str]:
    """Return what a method's `check` says of some losses; nothing if it has none."""
    check: Callable[..., list[str]] | None = getattr(component, "check", None)
    if check is None:
        return []
    return list(check(losses=[(entry.name, type(entry.loss)) for entry in losses], has_discriminator=has_discriminator))


def wants_discriminator(component: Callable[..., Any], losses: Sequence[WeightedLoss]) -> bool:
    """Whether a method refuses losses, of which none needs a discriminator, for want of one: it judges by itself."""
    return bool(refusals(component, losses, is_judged(losses))) and not refusals(component, losses, True)


def is_judged(losses: Sequence[WeightedLoss]) -> bool:
    """Whether some losses need a discriminator."""
    return any(getattr(entry.loss, "role", "") == "adversarial" for entry in losses)
