"""How networks run at test time, so that a picture's translation depends on that picture alone.

The paper keeps dropout on at test time (it is the only noise) and normalises by the statistics of the test batch, which
it takes at batch size 1 (Isola et al., arXiv 1611.07004, section 3.3). Mode `paper` does the same for every picture of
a batch by itself, with dropout masks that a seed draws: the same picture gives the same output in any company.
Mode `running` turns dropout off and normalises by the statistics gathered in training. `Noise` is on in both modes.
"""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.dropout import _DropoutNd

from itrans.data.sampler import derived_seed
from itrans.networks.noise import Noise
from itrans.networks.statistics import forward_by, is_plain, statistics_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from itrans.networks.statistics import SharedStatistics

Mode: TypeAlias = Literal["paper", "running"]
MODES: tuple[Mode, ...] = ("paper", "running")


@contextlib.contextmanager
def test_mode(
    networks: Iterable[nn.Module],
    mode: Mode,
    seed: int | Sequence[int],
    statistics: SharedStatistics | None = None,  # noqa: PT028  # no test of pytest
) -> Iterator[None]:
    """Put networks into one of the two modes, without gradients, for as long as the block lasts.

    Torch's own generators, of the CPU and of the networks' device, are seeded too, for networks that draw from them;
    what these draw depends on the place in the batch. They are put back when the block ends.

    Args:
        networks: modules; their own training flags come back when the block ends.
        mode: `paper` or `running`; a network that is made for one of them has that as its `test_mode`.
        seed: of dropout masks and noise, which depend on it, on the layer and on the layer's shape; or one for each
            picture of the batches that follow. Torch's own generators get the first.
        statistics: by which the parts of one picture are normalised, instead of each part's own.
    """
    networks = list(networks)
    modes: dict[nn.Module, Mode] = {}
    for network in networks:
        modes |= dict.fromkeys(network.modules(), getattr(network, "test_mode", mode))
    modules = list(modes)
    flags = [module.training for module in modules]
    seeds = [seed] if isinstance(seed, int) else seed
    replaced: list[nn.Module] = []
    try:
        for layer, module in enumerate(modules):
            module.training = False
            own = modes[module]
            forward = _test_forward(module, own, _Drawn(seeds, layer))
            if statistics is not None:
                forward = statistics.forward_of(module, layer, own) or forward
            if forward is not None:
                module.forward = forward
                replaced.append(module)
        # Not inference_mode: what a network keeps for later, such as a grid of positions, must serve training too.
        with torch.no_grad(), _run_as_written(networks), _seed_generators(networks, seeds[0]):
            yield
    finally:
        for module in replaced:
            del module.forward
        for module, flag in zip(modules, flags, strict=True):
            module.training = flag


def random_state(device: torch.device) -> Tensor:
    """Return the state of torch's own generators of the CPU and of a device; who draws from them changes it."""
    states = [torch.get_rng_state()]
    if device.type != "cpu":
        states.append(torch.get_device_module(device).get_rng_state(device))
    return torch.cat(states)


def why_alike(networks: Iterable[nn.Module], mode: Mode) -> str:
    """Return why outputs of different seeds are the same, as the end of a sentence."""
    modules = [module for network in networks for module in network.modules()]
    if any(isinstance(module, Noise) for module in modules):
        return "the noise makes no difference to what this generator draws"
    if not any(isinstance(module, _DropoutNd) and module.p for module in modules):
        return "nothing in this generator is random"
    if mode == "running":
        return "mode running turns dropout off, which is all that is random in this generator; use mode paper"
    return "dropout makes no difference to what this generator draws"


@contextlib.contextmanager
def _seed_generators(networks: Iterable[nn.Module], seed: int) -> Iterator[None]:
    """Seed torch's own generators of the CPU and of the networks' device, and put them back when the block ends."""
    device = next((weight.device for network in networks for weight in network.parameters()), torch.device("cpu"))
    on_cpu = device.type == "cpu"
    seed = derived_seed(seed)
    with torch.random.fork_rng([] if on_cpu else [device], device_type="cuda" if on_cpu else device.type):
        # torch.manual_seed would seed every device there is, of which this one alone is put back.
        torch.default_generator.manual_seed(seed)
        if not on_cpu:
            state = torch.Generator(device).manual_seed(seed).get_state()
            torch.get_device_module(device).set_rng_state(state, device)
        yield


def _run_as_written(networks: Iterable[nn.Module]) -> contextlib.AbstractContextManager[object]:
    """Run compiled networks as written: compiling them again for this mode would take longer than it gains."""
    if not any(getattr(network, "_compiled_call_impl", None) for network in networks):
        return contextlib.nullcontext()  # the compiler takes seconds to import
    stance: contextlib.AbstractContextManager[object] = torch.compiler.set_stance("force_eager")
    return stance


def _test_forward(module: nn.Module, mode: Mode, drawn: _Drawn) -> Callable[[Tensor], Tensor] | None:
    """Return what stands in for a module's own forward, if anything does."""
    if isinstance(module, Noise):
        return functools.partial(_seeded_noise, module, drawn)
    if mode == "running":
        return None
    if isinstance(module, _BatchNorm):
        return functools.partial(_normalize_alone if is_plain(module) else _forward_alone, module)
    if isinstance(module, _DropoutNd) and type(module) in _MASK_RANKS:
        return functools.partial(_seeded_dropout, module, drawn)
    return None


def _forward_alone(module: _BatchNorm, images: Tensor) -> Tensor:
    """Do the same with a layer that does more than normalise, such as timm's, which have their activation in them."""
    return torch.cat([forward_by(module, image, *statistics_of(image)) for image in torch.split(images, 1)])


_MASK_RANKS: dict[type[nn.Module], int | None] = {nn.Dropout: None, nn.Dropout1d: 2, nn.Dropout2d: 2, nn.Dropout3d: 2}
"""How many leading dimensions a dropout's mask varies in: all, or sample and channel."""


def _normalize_alone(module: _BatchNorm, images: Tensor) -> Tensor:
    """Normalise each sample by its own mean and variance over height and width: batch normalisation of a batch of 1."""
    if images.ndim < 3 or images[0, 0].numel() == 1:  # one value is its own mean
        shape = (1, -1, *([1] * (images.ndim - 2)))
        return torch.zeros_like(images) + (0 if module.bias is None else module.bias.view(shape).to(images.dtype))
    if images.is_cpu:  # where instance_norm copies channels-last memory forth and back, at twice the time
        normalized = [
            functional.batch_norm(image, None, None, module.weight, module.bias, training=True, eps=module.eps)
            for image in torch.split(images, 1)
        ]
        return torch.cat(normalized)
    return functional.instance_norm(
        images, weight=module.weight, bias=module.bias, use_input_stats=True, eps=module.eps
    )


_Fill: TypeAlias = "Callable[[Tensor, torch.Generator], Tensor]"


class _Drawn:
    """Random values of a layer, drawn once for each shape: all pictures of one seed have the same.

    There is one seed for all pictures of a batch, or one for each.
    """

    def __init__(self, seeds: Sequence[int], layer: int) -> None:
        self._seeds, self._layer = seeds, layer
        self._values: Tensor | None = None

    def __call__(self, shape: tuple[int, ...], like: Tensor, fill: _Fill) -> Tensor:
        """Return `(1, *shape)`, or `(N, *shape)` if each of the N items of `like` has its own seed."""
        if self._values is None or self._values.shape[1:] != shape or self._values.dtype != like.dtype:
            # drawn on the CPU, so that every device has the same
            drawn = {
                seed: fill(torch.empty(shape), torch.Generator().manual_seed(derived_seed(seed, self._layer)))
                for seed in dict.fromkeys(self._seeds)
            }
            values = torch.stack([drawn[seed] for seed in self._seeds])
            self._values = values.to(device=like.device, dtype=like.dtype)
        repeats, rest = divmod(like.shape[0], len(self._seeds))
        if len(self._seeds) == 1 or (repeats == 1 and not rest):
            return self._values
        # A layer may see parts of pictures as a larger batch, or another dimension first.
        return self._values.repeat_interleave(repeats + bool(rest), dim=0)[: like.shape[0]]


def _seeded_dropout(module: _DropoutNd, drawn: _Drawn, images: Tensor) -> Tensor:
    """Drop out by masks that seeds decide."""
    varies = _MASK_RANKS[type(module)] is None
    shape = tuple(images.shape[1:]) if varies else (images.shape[1], *([1] * (images.ndim - 2)))

    def mask(values: Tensor, generator: torch.Generator) -> Tensor:
        return values.uniform_(generator=generator).ge_(module.p).mul_(1 / (1 - module.p) if module.p < 1 else 0.0)

    return images * drawn(shape, images, mask)


def _seeded_noise(module: Noise, drawn: _Drawn, like: Tensor) -> Tensor:
    """Make noise that seeds decide."""
    shape = module.shape or tuple(like.shape[1:])
    values = drawn(shape, like, module.filled)
    return values.expand(like.shape[0], *shape).clone()  # for networks that change it in place


class CastWeights:
    """Weights of convolutions and linear layers in the precision that autocast computes them in, cast once.

    Autocast would cast them anew for every batch, which for a U-Net takes a sixth of the time of a batch of 8. Weights
    that somebody has trained meanwhile are cast again. Those of pictures get a layout in memory too, if one is given.
    """

    def __init__(
        self,
        networks: Iterable[nn.Module],
        dtype: torch.dtype,
        memory_format: torch.memory_format = torch.preserve_format,
    ) -> None:
        self._networks, self._dtype, self._memory_format = list(networks), dtype, memory_format
        self._cast()

    def _cast(self) -> None:
        layers = dict.fromkeys(module for network in self._networks for module in network.modules())
        own = {layer: layer._parameters.get("weight") for layer in layers if isinstance(layer, (_ConvNd, nn.Linear))}
        weights = dict.fromkeys(weight for weight in own.values() if weight is not None)
        casts = {weight: self._moved(weight) for weight in weights if weight.dtype == torch.float32}
        self._places = [(layer, weight, casts[weight]) for layer, weight in own.items() if weight in casts]
        self._versions = [weight._version for _, weight, _ in self._places]

    def _moved(self, weight: nn.Parameter) -> nn.Parameter:
        layout = self._memory_format if weight.ndim == 4 else torch.preserve_format
        return nn.Parameter(weight.detach().to(self._dtype, memory_format=layout), requires_grad=False)

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Put them in the place of the weights for as long as the block lasts.

        The weights themselves are not touched: whoever waits for their gradients, as other processes do, would wait in
        vain if their type had changed in between.
        """
        if self._versions != [weight._version for _, weight, _ in self._places]:
            self._cast()
        try:
            for layer, _, cast in self._places:
                layer._parameters["weight"] = cast
            yield
        finally:
            for layer, weight, _ in self._places:
                layer._parameters["weight"] = weight
