"""One generator for several domains (Choi et al., arXiv 1711.09020)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import torch
from annotated_types import Ge
from torch import Tensor, nn
from torch.nn import functional

from itrans.api import Batch, ImageSpec, Runtime, Translated, WeightedLoss, apply_generator

NotNegative = Annotated[float, Ge(0)]


class StarGAN:
    """StarGAN: a generator that is told the domain, and a discriminator that also says which domain a picture is of.

    The generator sees the source and a plane for each domain, see `with_domain`. The domain of a picture is told from
    the discriminator's last features. In every step the discriminator is updated, and in every `critic_steps`-th the
    generator, too: its translations should be taken for real, and for pictures of the domain that was asked for; and
    translated back into the source's domain, they should be the source again. Source: arXiv 1711.09020, section 3.

    Args:
        build_generator: makes the recipe's generator for some input and output channels.
        build_discriminator: makes the recipe's discriminator, which needs `features`; None if there is none.
        losses: an adversarial one and `cycle`.
        source: what pictures are.
        target: the same.
        extras: what pairs have: `domain`, that of the target, and `source_domain`, with the same names.
        classification: the weight of telling domains, in both networks.
        penalty: the weight of the gradient penalty (WGAN-GP, arXiv 1704.00028), without which `wasserstein` has no
            bound; 0 leaves it out.
        critic_steps: the generator is updated in one of so many steps.

    Raises:
        ValueError: pairs have no domains, sources are unlike targets, or the discriminator has no `features`.
    """

    generators = ("generator",)
    roles = ("adversarial", "cycle")

    def __init__(
        self,
        *,
        build_generator: Callable[[int, int], Any],
        build_discriminator: Callable[[int, int], Any] | None,
        losses: Sequence[WeightedLoss],
        source: ImageSpec,
        target: ImageSpec,
        extras: Mapping[str, Any],
        classification: NotNegative = 1.0,
        penalty: NotNegative = 10.0,
        critic_steps: Annotated[int, Ge(1)] = 5,
    ) -> None:
        self.domains = _domains(extras)
        if source != target:
            raise ValueError("the pictures of all domains have to be alike: one generator translates them all")
        self._losses: dict[str, list[Any]] = {role: [] for role in self.roles}
        for entry in losses:
            self._losses[entry.loss.role].append(entry)
        self._classification, self._penalty, self._critic_steps = classification, penalty, critic_steps
        self.networks: dict[str, nn.Module] = {
            "generator": build_generator(source.planes + len(self.domains), source.planes)
        }
        if build_discriminator is not None:
            self.networks["discriminator"] = build_discriminator(source.planes, 0)
            width = _feature_width(self.networks["discriminator"], source.planes)
            self.networks["classifier"] = nn.Conv2d(width, len(self.domains), kernel_size=1)

    @staticmethod
    def check(losses: Sequence[tuple[str, Any]], has_discriminator: bool) -> list[str]:
        """Return what is wrong with a recipe's parts, one sentence each, before any data is read.

        Args:
            losses: the names and classes of the recipe's losses.
            has_discriminator: whether the recipe names one.
        """
        roles = {getattr(loss, "role", None) for _, loss in losses}
        problems = [
            f'The loss "{name}" shows the source to the discriminator; without pairs it cannot. Use "gan".'
            for name, loss in losses
            if getattr(loss, "conditional", False)
        ]
        if not has_discriminator:
            problems.append('The method "stargan" needs a discriminator: add a [discriminator] table.')
        if "adversarial" not in roles:
            problems.append('The method "stargan" needs an adversarial loss, such as "wasserstein".')
        if "cycle" not in roles:
            problems.append('The method "stargan" needs the loss "cycle": nothing else ties outputs to their sources.')
        return problems

    def step(self, batch: Batch, runtime: Runtime) -> Mapping[str, Tensor]:
        """Update the discriminator with the classifier; and the generator, where it is its turn."""
        is_generators_turn = (runtime.step + 1) % self._critic_steps == 0
        with torch.set_grad_enabled(is_generators_turn):
            output = self.translate(batch.source, domain=batch.extras["domain"])
        logged = self._update_discriminator(batch, output.detach(), runtime)
        if is_generators_turn:
            logged |= self._update_generator(batch, output, runtime)
        return logged

    def translate(self, source: Tensor, direction: str = "forward", *, domain: Tensor) -> Tensor:
        """Translate `(N, C, H, W)` in [-1, 1] into domains, `(N,)`; raise ValueError for a direction but `forward`."""
        if direction != "forward":
            raise ValueError(f'There is no direction "{direction}": StarGAN translates forward, into any domain.')
        return apply_generator(self.networks["generator"], with_domain(source, domain, len(self.domains)))

    def _update_discriminator(self, batch: Batch, output: Tensor, runtime: Runtime) -> dict[str, Tensor]:
        """Train on targets, which are real pictures of the domains that outputs should be of."""
        weighted, logged = {}, {}
        with runtime.update("discriminator", "classifier") as update:
            for entry in self._losses["adversarial"]:
                scales = zip(self._logits(batch.target), self._logits(output), strict=True)
                value = torch.stack([entry.loss.discriminator(*logits) for logits in scales]).mean()
                weighted[entry.name] = entry.weight * value
                logged[f"discriminator.{entry.name}"] = value.detach()
            told = self._domain_loss(batch.target, batch.extras["domain"])
            weighted["domain"] = self._classification * told
            logged["discriminator.domain"] = told.detach()
            if self._penalty:
                steepness = self._steepness(batch.target, output)
                weighted["penalty"] = self._penalty * steepness
                logged["discriminator.penalty"] = steepness.detach()
            update(weighted)
        return logged

    def _update_generator(self, batch: Batch, output: Tensor, runtime: Runtime) -> dict[str, Tensor]:
        weighted, logged = {}, {}
        with runtime.update("generator") as update:
            for entry in self._losses["adversarial"]:
                value = torch.stack([entry.loss.generator(logits) for logits in self._logits(output)]).mean()
                weighted[entry.name], logged[f"generator.{entry.name}"] = entry.weight * value, value.detach()
            told = self._domain_loss(output, batch.extras["domain"])
            weighted["domain"], logged["generator.domain"] = self._classification * told, told.detach()
            back = self.translate(output, domain=batch.extras["source_domain"])
            for entry in self._losses["cycle"]:
                value = entry.loss(Translated(output, batch.source, back, extras=batch.extras))
                weighted[entry.name], logged[f"generator.{entry.name}"] = entry.weight * value, value.detach()
            update(weighted)
        return logged

    def _logits(self, picture: Tensor) -> list[Tensor]:
        """Return the logits of pictures, one tensor for each scale of the discriminator."""
        logits = self.networks["discriminator"](picture, None)
        return [logits] if isinstance(logits, Tensor) else list(logits)

    def _domain_loss(self, picture: Tensor, domain: Tensor) -> Tensor:
        """Return how badly the domains of pictures are told (arXiv 1711.09020, equations 2 and 3)."""
        found: Any = self.networks["discriminator"]
        scores = self.networks["classifier"](found.features(picture, None)[-1])
        return functional.cross_entropy(scores.float().mean((2, 3)), domain)

    def _steepness(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return how far from 1 the slope of the discriminator is between pictures, squared and averaged."""
        share = torch.rand(len(real), 1, 1, 1, device=real.device)
        between = (share * real + (1 - share) * fake).requires_grad_()
        rating = torch.stack([logits.float().mean((1, 2, 3)) for logits in self._logits(between)]).mean(0)
        (slope,) = torch.autograd.grad(rating.sum(), between, create_graph=True)
        steepness: Tensor = (slope.flatten(1).norm(dim=1) - 1).square().mean()
        return steepness


def with_domain(source: Tensor, domain: Tensor, domains: int) -> Tensor:
    """Return sources with a plane for each domain, `(N, C + domains, H, W)`: what the generator sees.

    The planes of other domains are 0. That of the domain is 1 plus half of the source's brightness. In the paper it is
    1 everywhere; but a plane that is the same everywhere is lost on a generator that pads by reflection and has an
    instance norm after its first layer, as `resnet` has.

    Args:
        source: `(N, C, H, W)` in [-1, 1].
        domain: `(N,)`, the places of the domains.
        domains: how many there are.
    """
    chosen = functional.one_hot(domain, domains).to(source)[:, :, None, None]
    return torch.cat([source, chosen * (1 + source.mean(1, keepdim=True) / 2)], dim=1)


def _domains(extras: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the domains."""
    domains, others = extras.get("domain"), extras.get("source_domain")
    if not isinstance(domains, tuple) or domains != others:
        raise ValueError(
            'pairs need the extras "domain" and "source_domain", with the same names; the data set "domains" has them'
        )
    return domains


def _feature_width(discriminator: Any, planes: int) -> int:
    """Return how many channels the last features of a discriminator have."""
    if not hasattr(discriminator, "features"):
        raise ValueError("domains are told from the discriminator's features, and this one has none; patchgan has some")
    was_training = discriminator.training
    with torch.no_grad():
        features = discriminator.eval().features(torch.zeros(1, planes, 256, 256), None)
    discriminator.train(was_training)
    return int(features[-1].shape[1])
