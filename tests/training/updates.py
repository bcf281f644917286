"""Methods whose steps are hard on what averages gradients, run alone and in several processes.

A step sees shares of pairs: each process its own, a single process all of them. Losses are means over shares, so that
all end with the same weights.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from itrans.training.runtime import Runtime

SHARES, STEPS, WIDTH = 3, 5, 4


class Method:
    """Networks in fp64, so that what differs is not rounding."""

    weights = torch.float64
    clip_norm: float | None = None
    dtype, memory_format = torch.float32, torch.contiguous_format
    ema: float | None = None

    def __init__(self, shares: range) -> None:
        torch.manual_seed(0)
        self.shares, self.number = shares, 0
        self.networks = {name: network.to(self.weights) for name, network in self.build().items()}
        self.generators = ("generator",)

    def build(self) -> dict[str, nn.Module]:
        return {"generator": chain(WIDTH, WIDTH), "discriminator": chain(WIDTH, 1)}

    def source(self, share: int) -> Tensor:
        generator = torch.Generator().manual_seed(100 * self.number + share)
        return torch.randn(2, WIDTH, generator=generator, dtype=self.weights)

    def mean(self, loss) -> dict[str, Tensor]:
        """Return the mean of a loss over the shares, which it is given by number."""
        return {"loss": torch.stack([loss(share) for share in self.shares]).mean()}

    def __getattr__(self, name: str) -> nn.Module:
        return self.__dict__["networks"][name]

    def step(self, runtime: Runtime) -> None:
        raise NotImplementedError


def chain(inner: int, out: int) -> nn.Module:
    return nn.Sequential(nn.Linear(WIDTH, inner), nn.Tanh(), nn.Linear(inner, out))


class Adversarial(Method):
    """The generator is called before the discriminator's update, and the discriminator twice in its own."""

    def step(self, runtime):
        outputs = {share: self.generator(self.source(share)) for share in self.shares}
        with runtime.update("discriminator") as update:
            update(self.mean(lambda share: self.gap(self.source(share), outputs[share].detach())))
        with runtime.update("generator") as update:
            update(self.mean(lambda share: -self.discriminator(outputs[share]).mean()))

    def gap(self, real, fake):
        return (self.discriminator(fake) - self.discriminator(real)).tanh().mean()


class Clipped(Adversarial):
    """Gradients are clipped, and weights averaged."""

    clip_norm = 0.01
    ema = 0.5


class Scaled(Adversarial):
    """Losses are scaled; one step's are infinite in one share, so that all leave it out."""

    dtype = torch.float16

    def gap(self, real, fake):
        first = 0 in self.shares and self.number == 1 and real[0, 0] == self.source(0)[0, 0]
        return super().gap(real, fake) * (torch.inf if first else 1)


class Critic(Adversarial):
    """Three updates of the discriminator for one of the generator, all forward passes outside of the blocks."""

    def step(self, runtime):
        for _ in range(3):
            outputs = {share: self.generator(self.source(share)) for share in self.shares}
            losses = self.mean(lambda share: self.gap(self.source(share), outputs[share].detach()))  # noqa: B023
            with runtime.update("discriminator") as update:
                update(losses)
        losses = self.mean(lambda share: -self.discriminator(self.generator(self.source(share))).mean())
        with runtime.update("generator") as update:
            update(losses)


class Penalised(Adversarial):
    """A gradient penalty: a backward pass that is itself differentiated, inside the block."""

    def gap(self, real, fake):
        between = ((real + fake) / 2).requires_grad_()
        (gradient,) = torch.autograd.grad(self.discriminator(between).sum(), between, create_graph=True)
        return super().gap(real, fake) + gradient.square().sum()


class Frozen(Adversarial):
    """The generator's first layer is frozen for good, and its last by the method in some steps."""

    def build(self):
        networks = super().build()
        networks["generator"][0].requires_grad_(False)
        return networks

    def step(self, runtime):
        self.generator[2].bias.requires_grad_(self.number % 2 == 1)
        super().step(runtime)


class LeavingOut(Method):
    """Layers that some shares use, that none uses, and that some steps use."""

    def build(self):
        return {"generator": nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(4))}

    def step(self, runtime):
        with runtime.update("generator") as update:
            update(self.mean(self.loss))

    def loss(self, share):
        always, sometimes, in_one, _ = self.generator
        hidden = always(self.source(share))
        hidden = sometimes(hidden.tanh()) if self.number in {1, 2} else hidden
        hidden = in_one(hidden.tanh()) if (self.number + share) % SHARES == 0 else hidden
        return hidden.square().mean()


class Together(Method):
    """Two networks with one backward pass, one of them used by one share only; then one of the two, half of it used."""

    def step(self, runtime):
        with runtime.update("generator", "discriminator") as update:
            update(self.mean(self.loss))
        with runtime.update("discriminator") as update:
            update(self.mean(lambda share: self.discriminator[2](self.source(share)).square().mean()))

    def loss(self, share):
        hidden = self.generator(self.source(share))
        return (self.discriminator(hidden) if (self.number + share) % SHARES == 0 else hidden).square().mean()


class Again(Adversarial):
    """The same network twice in a step; a block that has two losses, one after the other."""

    def step(self, runtime):
        super().step(runtime)
        with runtime.update("generator") as update:
            update(self.mean(lambda share: self.generator(self.source(share)).square().mean()))
            update(self.mean(lambda share: self.generator[0](self.source(share)).square().mean()))


class Lazy(Penalised):
    """A critic of two steps with a gradient penalty, a regulariser every other step, and a generator left alone."""

    def step(self, runtime):
        for _ in range(2):
            outputs = {share: self.generator(self.source(share)) for share in self.shares}
            with runtime.update("discriminator") as update:
                update(self.mean(lambda share: self.gap(self.source(share), outputs[share].detach())))  # noqa: B023
                if self.number % 2 == 0:
                    update(self.mean(self.slope))
        if self.number % 3 == 2:
            with runtime.update("generator") as update:
                update(self.mean(lambda share: -self.discriminator(outputs[share]).mean()))

    def slope(self, share):
        """R1: the squared gradient of the discriminator at what is real."""
        real = self.source(share).requires_grad_()
        (gradient,) = torch.autograd.grad(self.discriminator(real).sum(), real, create_graph=True)
        return gradient.square().sum()


class OwnBackward(Method):
    """A method that computes gradients by itself, before and after what the block is given, and changes them."""

    def step(self, runtime):
        with runtime.update("generator") as update:
            self.add(self.generator[0])
            update(self.mean(lambda share: self.generator(self.source(share)).square().mean()))
            nn.utils.clip_grad_value_(self.generator.parameters(), 0.1)
            self.add(self.generator[2])
        with runtime.update("discriminator") as update:
            update(self.mean(lambda share: self.discriminator(self.source(share)).square().mean()))

    def add(self, network):
        self.mean(lambda share: network(self.source(share)).square().mean())["loss"].backward()


class InRows(torch.autograd.Function):
    """The weight of a 1x1 convolution as a matrix, with a gradient in channels first."""

    @staticmethod
    def forward(ctx, weight):
        return weight.reshape(WIDTH, WIDTH)

    @staticmethod
    def backward(ctx, gradient):
        return gradient.clone(memory_format=torch.contiguous_format).reshape(WIDTH, WIDTH, 1, 1)


class Layouts(Method):
    """A weight of a 1x1 convolution in channels last, whose gradient comes in channels first, as cuDNN's does."""

    memory_format = torch.channels_last

    def build(self):
        return {"generator": nn.Sequential(nn.Conv2d(WIDTH, WIDTH, 1, bias=False))}

    def step(self, runtime):
        weight = self.generator[0].weight
        with runtime.update("generator") as update:
            update(self.mean(lambda share: (self.source(share) @ InRows.apply(weight)).square().mean()))


class OutOfReach(Method):
    """Losses of things that require gradients, but are no weights."""

    def step(self, runtime):
        other = torch.ones((), requires_grad=True)
        with runtime.update("generator") as update:
            update({"loss": 2 * other})
        with runtime.update("discriminator") as update:
            update(self.mean(lambda share: self.discriminator(self.source(share)).square().mean()))


class Checkpointed(Method):
    """Backward passes within the backward pass, two for the same layer."""

    is_reentrant = True

    def step(self, runtime):
        with runtime.update("generator") as update:
            update(self.mean(self.loss))

    def loss(self, share):
        hidden = self.generator[0](self.source(share))
        for _ in range(2):
            hidden = checkpoint(self.generator[2], hidden.tanh(), use_reentrant=self.is_reentrant)
        return hidden.square().mean()


class Recomputed(Checkpointed):
    """The same layers, computed again without a backward pass of their own."""

    is_reentrant = False


class Large(Method):
    """Gradients of several buckets, in fp32, with statistics: no single process ends with the same."""

    weights = torch.float32

    def build(self):
        return {"generator": nn.Sequential(nn.Linear(WIDTH, 900), nn.BatchNorm1d(900), nn.Linear(900, 900))}

    def step(self, runtime):
        with runtime.update("generator") as update:
            update(self.mean(lambda share: self.generator(self.source(share)).square().mean()))


ADVERSARIAL = (Adversarial, Clipped, Scaled, Critic, Penalised, Frozen, Again, Lazy)
OTHERS = (LeavingOut, Together, OwnBackward, Layouts, OutOfReach, Checkpointed, Recomputed)
METHODS: dict[str, type[Method]] = {kind.__name__: kind for kind in (*ADVERSARIAL, *OTHERS)}
