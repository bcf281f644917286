"""What a method must be."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from itrans.engine.processes import Processes
from itrans.engine.runtime import Runtime
from itrans.protocols import Batch, ImageSpec, Translated, WeightedLoss
from itrans.recipe.schema import Optimizer, Train
from itrans.registry import accepted
from itrans.testing.findings import Findings, seeded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from itrans.protocols import Loss

_SIZE = 32
_SPEC = ImageSpec(channels=3)


class _Generator(nn.Sequential):
    size_multiple = 4

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(
            nn.Conv2d(in_channels, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, out_channels, 3, padding=1), nn.Tanh()
        )


class _Discriminator(nn.Module):
    def __init__(self, in_channels: int, condition_channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(in_channels + condition_channels, 4, 4, stride=2, padding=1)
        self.last = nn.Conv2d(4, 1, 3, padding=1)

    def features(self, image: Tensor, condition: Tensor | None) -> list[Tensor]:
        seen = image if condition is None else torch.cat([condition, image], dim=1)
        return [functional.leaky_relu(self.first(seen), 0.2)]

    def forward(self, image: Tensor, condition: Tensor | None) -> Tensor:
        logits: Tensor = self.last(self.features(image, condition)[0])
        return logits


class _Adversarial:
    role = "adversarial"
    conditional = True

    def generator(self, fake_logits: Tensor) -> Tensor:
        return functional.softplus(-fake_logits.float()).mean()

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        return functional.softplus(-real_logits.float()).mean() + functional.softplus(fake_logits.float()).mean()


class _Difference:
    role = "image"

    def __call__(self, translated: Translated) -> Tensor:
        return functional.l1_loss(translated.output.float(), translated.target.float())


def default_losses() -> list[tuple[str, float, Loss]]:
    """Return a conditional adversarial loss and L1, as Pix2Pix has them."""
    return [("adversarial", 1.0, _Adversarial()), ("difference", 10.0, _Difference())]  # type: ignore[list-item]


def faults(
    component: Callable[..., Any], arguments: dict[str, Any], losses: Sequence[tuple[str, float, Loss]]
) -> list[str]:
    """Return what is wrong with a method that is given these losses."""
    findings = Findings()
    entries = [WeightedLoss(*entry) for entry in losses]
    has_discriminator = any(getattr(entry.loss, "role", "") == "adversarial" for entry in entries)
    if check := getattr(component, "check", None):
        with findings.trying("Its check(losses, has_discriminator)"):
            told = check(losses=[(e.name, type(e.loss)) for e in entries], has_discriminator=has_discriminator)
            findings.expect(not told, f"Its check() refuses the losses that it was given here: {told}")
    with findings.trying("Training it"):
        _check_training(findings, lambda: _built(component, arguments, entries, has_discriminator))
    if findings.faults:
        return findings.faults
    with findings.trying("Building it to translate only: without losses and discriminator,"):
        _check_translation(findings, _built(component, arguments, [], False))
    return findings.faults


def _built(component: Callable[..., Any], arguments: dict[str, Any], losses: list[WeightedLoss], judged: bool) -> Any:
    offered = {
        "build_generator": _Generator,
        "build_discriminator": _Discriminator if judged else None,
        "losses": losses,
        "source": _SPEC,
        "target": _SPEC,
    }
    return seeded(0, lambda: component(**accepted(component, offered), **arguments))


def _runtime(method: Any, dtype: torch.dtype = torch.float32) -> Runtime:
    device = torch.device("cpu")
    return Runtime(
        method,
        device=device,
        dtype=dtype,
        memory_format=torch.contiguous_format,
        processes=Processes(),
        optimizer=Optimizer(),
        train=Train(steps=1),
    )


def _batch(seed: int) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    source, target = (torch.rand(2, 3, _SIZE, _SIZE, generator=generator) * 2 - 1 for _ in range(2))
    return Batch(source, target, ("a", "b"))


def _check_training(findings: Findings, make: Callable[[], Any]) -> None:
    method = make()
    names = list(method.networks)
    findings.expect(names, "Its networks are none.")
    findings.expect(
        set(method.generators) <= set(names) and method.generators,
        f"Its generators {list(method.generators)} are not among {names}.",
    )
    before = {
        name: {k: v.clone() for k, v in network.state_dict().items()} for name, network in method.networks.items()
    }
    runtime = _runtime(method)
    logged = seeded(1, lambda: method.step(_batch(1), runtime))
    for name, network in method.networks.items():
        trained = any(parameter.requires_grad for parameter in network.parameters())
        changed = any(not torch.equal(value, before[name][key]) for key, value in network.state_dict().items())
        findings.expect(
            changed or not trained,
            f'A step leaves the network "{name}" as it was: update it within runtime.update("{name}").',
        )
        flags = [key for key, parameter in network.named_parameters() if parameter.grad is not None]
        findings.expect(not flags, f'After a step "{name}" still has gradients.')
    findings.expect(
        isinstance(logged, dict) and logged, f"step() returns {type(logged).__name__}; it should be the losses to log."
    )
    for name, value in logged.items():
        scalar = isinstance(value, Tensor) and value.ndim == 0 and bool(value.isfinite()) and not value.requires_grad
        findings.expect(scalar, f'What step() logs as "{name}" should be a detached, finite tensor of no dimensions.')
    _check_repeats(findings, make)
    lower = make()
    runtime = _runtime(lower, torch.bfloat16)
    with findings.trying("A step in bf16"), runtime.autocast():
        values = lower.step(_batch(1), runtime).values()
        findings.expect(all(bool(value.isfinite()) for value in values), "In bf16 a loss is not finite.")


def _check_repeats(findings: Findings, make: Callable[[], Any]) -> None:
    """Train twice, once as one run, and once interrupted after a step and resumed by another object."""
    whole = make()
    runtime = _runtime(whole)
    for step in range(3):
        seeded(step, lambda step=step: whole.step(_batch(step), runtime))  # type: ignore[misc]
    first = make()
    runtime = _runtime(first)
    for step in range(2):
        seeded(step, lambda step=step: first.step(_batch(step), runtime))  # type: ignore[misc]
    file = io.BytesIO()
    state = first.state_dict() if hasattr(first, "state_dict") else {}
    networks = {name: network.state_dict() for name, network in first.networks.items()}
    torch.save({"method": state, "networks": networks, "runtime": runtime.state_dict()}, file)
    file.seek(0)
    saved = torch.load(file, weights_only=True)
    second = make()
    for name, network in second.networks.items():
        network.load_state_dict(saved["networks"][name])
    resumed = _runtime(second)
    resumed.load_state_dict(saved["runtime"])
    if state:
        second.load_state_dict(saved["method"])
    seeded(2, lambda: second.step(_batch(2), resumed))
    same = all(
        torch.equal(value, second.networks[name].state_dict()[key])
        for name, network in whole.networks.items()
        for key, value in network.state_dict().items()
    )
    findings.expect(
        same,
        "Interrupted and resumed, it ends with other weights than in one go. What it keeps from step to step belongs "
        "in state_dict() and load_state_dict(), and what is random is drawn from torch.",
    )


def _check_translation(findings: Findings, method: Any) -> None:
    source = _batch(3).source[:, :, :30, :27]
    for direction in getattr(method, "directions", ("forward",)):
        with torch.no_grad():
            shape = tuple(method.translate(source, direction).shape)
        findings.expect(
            shape == tuple(source.shape),
            f"Of sources {tuple(source.shape)} translate() makes {shape}: use apply_generator.",
        )
    try:
        method.translate(source, "sideways")
    except ValueError:
        pass
    else:
        findings.faults.append("translate() takes a direction that it cannot have; it should raise ValueError.")
