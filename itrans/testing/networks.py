"""What generators and discriminators have in common."""

from __future__ import annotations

import copy
import functools
import io
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from itrans.networks.test_mode import CastWeights
from itrans.registry import accepted_arguments
from itrans.scales import scale_of, scaled
from itrans.testing.devices import check_device, on_meta
from itrans.testing.findings import REFUSALS, Findings, error_line, first_names
from itrans.testing.imports import no_connections
from itrans.testing.surroundings import check_seeding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

SIZES = (32, 64, 128, 256, 512, 16, 8, 28)
"""Heights and widths, tried in this order: some networks refuse what is small, some all but one size."""


def make_seeded(seed: int, make: Callable[[], Any]) -> Any:
    """Return what is made with torch's random numbers from a seed; its own are as they were afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()


class NetworkCheck:
    """How a network is checked; generators and discriminators say how they are called, and what is theirs besides.

    Attributes:
        offered: the names of the numbers of channels that itrans offers.
        channels: those numbers, as they are tried.
        differs: the end of the sentence about a network that makes two things where it should make one.
    """

    offered: tuple[str, str]
    channels: tuple[tuple[int, int], ...]
    differs: str

    def __init__(self, findings: Findings) -> None:
        self.findings, self.expect, self.trying = findings, findings.expect, findings.trying

    def inputs(self, channels: Sequence[int], height: int, width: int, count: int = 2) -> tuple[Tensor | None, ...]:
        """Return what a network of so many channels is called with."""
        raise NotImplementedError

    def look(self, network: Any, channels: Sequence[int]) -> int:
        """Look at what a network makes, and return a height and width that it takes."""
        raise NotImplementedError

    def compute(self, network: Any, *inputs: Tensor | None) -> Tensor:
        """Return what a network makes for use, as one tensor, whatever was drawn before."""
        raise NotImplementedError

    def check_backward(self, network: Any, inputs: tuple[Any, ...]) -> None:
        """Note what is wrong with the gradients."""
        raise NotImplementedError

    def check_more(self, network: Any, make: Callable[..., Any], inputs: tuple[Any, ...]) -> None:
        """Note what is wrong besides."""
        raise NotImplementedError

    def check(self) -> None:
        """Note what is wrong."""
        usable = self._first_usable()
        if usable is None:
            return
        offered, side = usable

        def make(seed: int | None = 0, *, initialize: bool = True) -> Any:
            return self._build({**offered, "initialize": initialize}, seed)

        network, inputs = make(), self.inputs((*offered.values(),), side, side)
        with self.trying("Its backward pass"):
            self.check_backward(network.train(), inputs)
        with self.trying("Built and used again, it"):
            first, second = (make_seeded(2, lambda: one_tensor(make().train()(*inputs))) for _ in range(2))
            self.expect(torch.equal(first, second), f"Built and used twice from one seed, it should {self.differs}")
            check_seeding(self.findings, lambda: make(None).train()(*inputs))
        self._check_state(network, lambda: make(3, initialize=False), inputs)
        if accepted_arguments(self.findings.component, {"initialize": False}):
            self._check_initialize(network, lambda: make(initialize=False))
        self.check_more(network, make, inputs)
        check_device(self.findings, network, lambda moved: moved(*on_meta(*inputs)))

    def _build(self, offered: dict[str, Any], seed: int | None = 0) -> Any:
        """Build a network as the registry would, with weights from a seed or as torch's own generator has them."""
        build = functools.partial(self.findings.build, **offered)
        network = build() if seed is None else make_seeded(seed, build)
        if not isinstance(network, nn.Module):
            raise TypeError(f"it should be a torch.nn.Module, but is {type(network).__name__}")
        return network

    def _first_usable(self) -> tuple[dict[str, int], int] | None:
        """Look at the network with several numbers of channels; return the first that it takes, and a size."""
        found: tuple[dict[str, int], int] | None = None
        refusal: Exception | None = None
        given = self.findings.given
        for numbers in dict.fromkeys(tuple(map(given.get, self.offered, numbers)) for numbers in self.channels):
            channels: dict[str, int] = dict(zip(self.offered, numbers, strict=True))
            shown = " and ".join(f"{name} = {count}" for name, count in channels.items())
            with self.trying(f"With {shown} it"):
                try:
                    network = self._build({**channels, "initialize": True})
                except REFUSALS as error:
                    refusal = refusal or error
                    continue
                taken = self.look(network, [*channels.values()])
                found = found or (channels, taken)
            if self.findings.faults:
                return None  # others would say the same
        if found is None and refusal is not None:
            self.findings.faults.append(f"It refuses every number of channels that was tried: {error_line(refusal)}")
        return found

    def _check_state(self, network: nn.Module, make: Callable[[], nn.Module], inputs: tuple[Any, ...]) -> None:
        """Expect a network's state to survive a checkpoint, and to make another one compute the same."""
        with self.trying("Its state_dict(), saved, and loaded with weights_only=True as checkpoints are,"):
            file = io.BytesIO()
            torch.save(network.state_dict(), file)
            file.seek(0)
            again = make()
            again.load_state_dict(torch.load(file, weights_only=True))
            self.expect(
                torch.equal(self.compute(network.eval(), *inputs), self.compute(again.eval(), *inputs)),
                "Built again and given its state_dict(), it should compute the same, but does not: something that it "
                "needs is not in there.",
            )

    def _check_initialize(self, network: nn.Module, make: Callable[[], nn.Module]) -> None:
        """Expect a component that takes `initialize` to make of False what a checkpoint fits, from nothing else."""
        what = "Built with initialize = False, which should read and download nothing, it"
        with self.trying(what), no_connections():
            bare = {name: value.shape for name, value in make().state_dict().items()}
            whole = {name: value.shape for name, value in network.state_dict().items()}
            different = [name for name in whole.keys() | bare.keys() if whole.get(name) != bare.get(name)]
            self.expect(
                not different,
                "With initialize = False its state_dict() should have the same names and shapes as with True, for a "
                f"checkpoint to fit; different: {first_names(sorted(different))}.",
            )

    def check_forms(self, network: nn.Module, inputs: tuple[Any, ...], expected: Tensor, draws: bool) -> None:
        """Expect nearly the same of tensors that lie channels last in memory, and finite values in bf16.

        A network that `draws` from torch's generator draws in the order in which values lie, so its values are not
        compared.
        """
        present = [tensor for tensor in inputs if tensor is not None]
        with self.trying("With weights and pictures that are channels last in memory, it"), torch.no_grad():
            lying = copy.deepcopy(network).to(memory_format=torch.channels_last)
            result = self.compute(lying, *(tensor.contiguous(memory_format=torch.channels_last) for tensor in present))
            self.expect(
                draws or close(expected, result, 1e-3),
                "From pictures that are channels last in memory it should make the same as from others, but does not.",
            )
        for how in ("", ", with the weights of convolutions and linear layers in bf16, as translating has them"):
            cast = CastWeights([network] if how else [], torch.bfloat16)
            with (
                self.trying(f"In bf16 (torch.autocast){how}, it"),
                torch.no_grad(),
                cast.in_place(),
                torch.autocast("cpu", torch.bfloat16),
            ):
                result = self.compute(network, *present)
                self.expect(
                    result.shape == expected.shape and bool(result.isfinite().all()),
                    f"In bf16 (torch.autocast){how}, its output should be finite and of the shape that it has in "
                    "fp32, but is not.",
                )


def one_tensor(output: Tensor | list[Tensor]) -> Tensor:
    """Return an output as it is, or the values of several in a row."""
    return torch.cat([scale.flatten() for scale in output]) if isinstance(output, list) else output


def first_size(sizes: Iterable[int], attempt: Callable[[int], object]) -> int:
    """Return the first height and width that an attempt is not refused with; if all are, raise the first refusal."""
    refusal: Exception = ValueError("there is no size to try")
    for number, size in enumerate(dict.fromkeys(sizes)):
        try:
            attempt(size)
        except REFUSALS as error:
            refusal = refusal if number else error
        else:
            return size
    raise refusal


def pictures(channels: int, height: int, width: int, *, count: int = 2, seed: int = 0) -> Tensor:
    """Return noise, `(count, channels, height, width)` in [-1, 1]."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, channels, height, width, generator=generator) * 2 - 1


def check_gradients(findings: Findings, network: nn.Module, outputs: Sequence[Tensor]) -> None:
    """Expect the gradients of some outputs to reach every parameter that is to be trained."""
    network.zero_grad(set_to_none=True)
    weights = torch.Generator().manual_seed(0)
    total = torch.stack([(output.float() * torch.rand(output.shape, generator=weights)).sum() for output in outputs])
    trained = {name: parameter for name, parameter in network.named_parameters() if parameter.requires_grad}
    findings.expect(trained, "It has no parameters to train; each network of a method has an optimiser.")
    if total.requires_grad:
        total.sum().backward()  # type: ignore[no-untyped-call]
    lost = [name for name, parameter in trained.items() if parameter.grad is None]
    findings.expect(
        not lost,
        f"No gradient reaches {first_names(lost)}: every parameter should have a part in the output. Remove what has "
        "none, or set its requires_grad to False.",
    )
    broken = [name for name, p in trained.items() if p.grad is not None and not bool(p.grad.isfinite().all())]
    findings.expect(not broken, f"Gradients should be finite, and those of {first_names(broken)} are not.")
    network.zero_grad(set_to_none=True)


def draws(compute: Callable[[], object]) -> bool:
    """Whether computing something draws from torch's own generator, which is put back afterwards."""
    with torch.random.fork_rng(devices=[]):
        before = torch.get_rng_state()
        compute()
        return not torch.equal(before, torch.get_rng_state())


def scaled_size(height: int, width: int, generator: object) -> tuple[int, int]:
    """Return the height and width of what a generator makes of a source of these."""
    scale = scale_of(generator)
    return scaled(height, scale), scaled(width, scale)


def close(first: Tensor, second: Tensor, tolerance: float) -> bool:
    """Whether two results are the same but for rounding, compared to how large they are."""
    if first.shape != second.shape:
        return False
    scale = max(float(first.float().abs().max()), 1e-3)
    return float((first.float() - second.float()).abs().max()) <= tolerance * scale
