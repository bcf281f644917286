"""What a method must be."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from itrans.pictures.kinds import kind_of
from itrans.pictures.spec import ImageSpec
from itrans.pictures.tensors import stack
from itrans.protocols import WeightedLoss
from itrans.recipe.schema import Optimizer, Train
from itrans.records import Batch
from itrans.testing.findings import REFUSALS, error_line, first_names
from itrans.testing.networks import make_seeded, pictures
from itrans.testing.stand_ins import SmallDiscriminator, SmallGenerator, chosen_losses, is_judged, refusals
from itrans.testing.surroundings import check_seeding
from itrans.training.processes import Processes
from itrans.training.runtime import Runtime

if TYPE_CHECKING:
    from collections.abc import Callable

    from itrans.testing.findings import Findings

_HEIGHT, _WIDTH = 30, 27
_STEPS = 3


def check(findings: Findings) -> None:
    """Note what is wrong with a method."""
    component, given = findings.component, findings.given
    losses = chosen_losses(component)
    if "losses" in given:
        losses = [entry if isinstance(entry, WeightedLoss) else WeightedLoss(*entry) for entry in given["losses"]]
    offered = {
        "build_generator": SmallGenerator,
        "build_discriminator": SmallDiscriminator if is_judged(losses) else None,
        "source": ImageSpec(channels=3),
        "target": ImageSpec(channels=3),
        **given,
        "losses": losses,
    }
    if told := refusals(component, losses, offered["build_discriminator"] is not None):
        findings.faults.append(
            f"Its check() refuses the losses {first_names([entry.name for entry in losses])}, so it cannot be tried: "
            f"{' '.join(told)} Give check_method losses that it takes."
        )
        return

    def make(**other: Any) -> Any:
        return make_seeded(0, lambda: findings.build(**offered | other))

    trained = None
    with findings.trying("Training, it"):
        trained = _check_training(findings, make, offered)
    if findings.faults:
        return
    with findings.trying("Training again, it"):
        _check_repeats(findings, make, offered)
    with findings.trying("Training in bf16 (torch.autocast), it"):
        method = make()
        logged = _step(method, _runtime(method, torch.bfloat16), offered, 0)
        findings.expect(
            all(bool(value.isfinite()) for value in logged.values()),
            "In bf16 (torch.autocast) its losses should be finite, and are not.",
        )
    with findings.trying("Built to translate only (losses empty, build_discriminator None), it"):
        translator = make(losses=[], build_discriminator=None)
        _check_translation(findings, translator, offered, trained)
    if not findings.faults and "source" not in given and "target" not in given:
        _check_other_channels(findings, make, offered)


def _runtime(method: Any, dtype: torch.dtype = torch.float32) -> Runtime:
    return Runtime(
        method,
        device=torch.device("cpu"),
        dtype=dtype,
        memory_format=torch.contiguous_format,
        processes=Processes(),
        optimizer=Optimizer(),
        train=Train(steps=_STEPS),
    )


def _step(method: Any, runtime: Runtime, offered: Mapping[str, Any], number: int) -> Any:
    """Train with the batch, and from the random numbers, that belong to a step's number."""
    batch = _batch(offered, number)
    with runtime.autocast():
        return make_seeded(number, lambda: method.step(batch, runtime))


def _batch(offered: Mapping[str, Any], number: int = 0) -> Batch:
    source, target = (
        _noise_like(offered[side], seed=10 * number + place) for place, side in enumerate(("source", "target"))
    )
    return Batch(source, target, (f"{number}-0", f"{number}-1"))


def _check_training(findings: Findings, make: Callable[..., Any], offered: Mapping[str, Any]) -> Any:
    method = make()
    networks = dict(method.networks)
    names = list(networks)
    findings.expect(names, "Its networks should be by name all that it trains, and there are none.")
    generators = list(method.generators)
    findings.expect(
        generators and set(generators) <= set(names),
        f"Its generators should be names of its networks ({', '.join(names)}), and are {generators}.",
    )
    if findings.faults:
        return None
    runtime = _runtime(method)
    before = {name: [p.detach().clone() for p in network.parameters()] for name, network in networks.items()}
    logged = _step(method, runtime, offered, 0)
    for name, network in networks.items():
        parameters = list(network.parameters())
        changed = any(not torch.equal(*pair) for pair in zip(before[name], parameters, strict=True))
        findings.expect(
            changed,
            f'A step should update every network, and leaves "{name}" as it was: train it within '
            f'runtime.update("{name}").',
        )
        finite = all(bool(parameter.isfinite().all()) for parameter in parameters)
        findings.expect(finite, f'After a step the weights of "{name}" should be finite, and are not.')
        kept = network.training and all(parameter.requires_grad for parameter in parameters)
        findings.expect(
            kept, f'A step should leave "{name}" in training mode with all parameters to train, and does not.'
        )
    if not findings.expect(
        isinstance(logged, Mapping) and logged,
        f"step() should return the losses to log by their names, and returns {_value_text(logged)}.",
    ):
        return None
    for name, value in logged.items():
        findings.expect(
            isinstance(value, Tensor) and value.ndim == 0 and not value.requires_grad and bool(value.isfinite()),
            f'What step() returns as "{name}" should be a finite tensor of no dimensions, detached, and is '
            f"{_value_text(value)}.",
        )
    fresh = make()
    check_seeding(findings, lambda: fresh.step(_batch(offered), _runtime(fresh)))
    return method


def _noise_like(spec: ImageSpec, seed: int = 0) -> Tensor:
    """Return noise as networks see pictures of a kind that have been stored."""
    kind = kind_of(spec)
    return kind.planes(stack(kind.arrays(pictures(spec.planes, _HEIGHT, _WIDTH, seed=seed), spec)), spec)


def _value_text(value: object) -> str:
    if not isinstance(value, Tensor):
        return f"{type(value).__name__} {value!r}"[:100]
    grad = " with a gradient" if value.requires_grad else ""
    return f"{value.item()}{grad}" if value.ndim == 0 else f"a tensor of shape {tuple(value.shape)}{grad}"


def _check_repeats(findings: Findings, make: Callable[..., Any], offered: Mapping[str, Any]) -> None:
    """Train twice without a break, and once interrupted before the last step and resumed by another object."""

    def begun(steps: int) -> tuple[Any, Runtime]:
        method = make()
        runtime = _runtime(method)
        for number in range(steps):
            _step(method, runtime, offered, number)
        return method, runtime

    whole, _ = begun(_STEPS)
    if not findings.expect(
        _equal(whole, begun(_STEPS)[0]),
        "Two runs from one seed should end with the same weights, and do not: what is random is drawn from torch.",
    ):
        return
    first, runtime = begun(_STEPS - 1)
    file = io.BytesIO()
    own = first.state_dict() if hasattr(first, "state_dict") else {}
    networks = {name: network.state_dict() for name, network in first.networks.items()}
    torch.save({"method": own, "networks": networks, "training": runtime.state_dict()}, file)
    file.seek(0)
    try:
        saved = torch.load(file, weights_only=True)
    except Exception as error:
        findings.faults.append(
            "What state_dict() returns should be tensors, numbers, texts, and lists and dicts of them, which a "
            f"checkpoint can hold; reading it with weights_only=True raises {error_line(error)}"
        )
        return
    second = make()
    resumed = _runtime(second)
    for name, network in second.networks.items():
        network.load_state_dict(saved["networks"][name])
    resumed.load_state_dict(saved["training"])
    if hasattr(second, "load_state_dict"):
        second.load_state_dict(saved["method"])
    _step(second, resumed, offered, _STEPS - 1)
    findings.expect(
        _equal(whole, second),
        "Interrupted and resumed, it should end with the weights of a run in one go, and does not: what it keeps from "
        "step to step belongs in state_dict() and load_state_dict().",
    )


def _equal(first: Any, second: Any) -> bool:
    return all(
        torch.equal(value, second.networks[name].state_dict()[key])
        for name, network in first.networks.items()
        for key, value in network.state_dict().items()
    )


def _check_translation(findings: Findings, method: Any, offered: Mapping[str, Any], trained: Any) -> None:
    directions = tuple(getattr(method, "directions", ("forward",)))
    networks, generators = dict(method.networks), list(method.generators)
    for name in generators:
        networks[name].load_state_dict(trained.networks[name].state_dict())
        networks[name].eval()
        trained.networks[name].eval()
    ends = [offered["source"], offered["target"]]
    for place, direction in enumerate(directions[:2]):
        taken, made = ends[::-1] if place else ends
        source = _noise_like(taken, seed=99)
        with torch.no_grad():
            output = method.translate(source, direction)
            again = trained.translate(source, direction)
        wanted = (len(source), made.planes, _HEIGHT, _WIDTH)
        findings.expect(
            isinstance(output, Tensor) and tuple(output.shape) == wanted,
            f'Of a source {tuple(source.shape)} translate(source, "{direction}") should make {wanted}, and makes '
            f"{tuple(getattr(output, 'shape', ()))}.",
        )
        findings.expect(
            torch.equal(output, again),
            f"Built to translate only, with the trained generators ({', '.join(generators)}), it should translate "
            f'"{direction}" as when trained, and does not.',
        )
    try:
        with torch.no_grad():
            method.translate(_noise_like(ends[0]), "no such direction")
    except ValueError:
        return
    findings.faults.append("translate() should raise ValueError for a direction that there is not, and takes any.")


def _check_other_channels(findings: Findings, make: Callable[..., Any], offered: dict[str, Any]) -> None:
    """Train and translate what is not of 3 channels on both sides, unless the method refuses it."""
    for what, (source, target) in _OTHERS.items():
        other = {"source": source, "target": target}
        with findings.trying(f"With {what}, it"):
            try:
                method = make(**other)
                _step(method, _runtime(method), offered | other, 0)
            except REFUSALS:
                continue
            translator = make(**other, losses=[], build_discriminator=None)
            _check_translation(findings, translator, offered | other, method)
        if findings.faults:
            return  # others would say the same


_LABELS = ImageSpec(channels=1, kind="labels", labels=5)
_OTHERS = {
    "sources of 1 channel and targets of 3": (ImageSpec(channels=1), ImageSpec(channels=3)),
    "label maps of 5 classes for sources (build for source.planes, not channels)": (_LABELS, ImageSpec(channels=3)),
    "label maps of 5 classes for targets (build for target.planes, not channels)": (ImageSpec(channels=3), _LABELS),
}
