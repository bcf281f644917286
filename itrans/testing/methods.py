"""What a method must be."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from itrans.pictures.spec import ImageSpec
from itrans.protocols import WeightedLoss
from itrans.testing.findings import REFUSALS, error_line, first_names
from itrans.testing.networks import scaled_size
from itrans.testing.stand_ins import (
    SmallDiscriminator,
    SmallGenerator,
    chosen_losses,
    is_judged,
    refusals,
    wants_discriminator,
)
from itrans.testing.static import direction_faults
from itrans.testing.surroundings import check_seeding, unchanged_inputs
from itrans.testing.trials import STEPS, Trial
from itrans.training.failures import advice_on

if TYPE_CHECKING:
    from collections.abc import Iterator

    from itrans.testing.findings import Findings

_MOST_STEPS = 32
"""Within how many steps every network is to be trained: some learn every sixteenth step alone."""


def check(findings: Findings) -> None:
    """Note what is wrong with a method."""
    component, given = findings.component, findings.given
    losses = chosen_losses(component)
    if "losses" in given:
        losses = [entry if isinstance(entry, WeightedLoss) else WeightedLoss(*entry) for entry in given["losses"]]
    is_needed = is_judged(losses) or wants_discriminator(component, losses)
    batches = [*findings.tried.get("batches", ())]
    offered = {
        "build_generator": SmallGenerator,
        "build_discriminator": SmallDiscriminator if is_needed else None,
        "source": ImageSpec(channels=batches[0].source.shape[1] if batches else 3),
        "target": ImageSpec(channels=batches[0].target.shape[1] if batches else 3),
        "initialize": True,
        **given,
        "losses": losses,
    }
    if told := refusals(component, losses, offered["build_discriminator"] is not None):
        findings.faults.append(
            f"Its check() refuses the losses {first_names([entry.name for entry in losses])}, so it cannot be tried: "
            f"{' '.join(told)} Give check_method losses that it takes."
        )
        return
    trial = Trial(findings, offered, batches, given.get("extras", findings.tried.get("extras")))
    trained, steps = None, STEPS
    with _training(findings, "Training, it"):
        trained, steps = _check_training(findings, trial)
    if findings.faults:
        return
    with _training(findings, "Training again, it"):
        _check_repeats(findings, trial, max(steps, STEPS))
    with _training(findings, "Training in bf16 (torch.autocast), it"):
        method = trial.make()
        logged = trial.step(method, trial.runtime(method, torch.bfloat16), 0)
        findings.expect(
            all(bool(value.isfinite()) for value in logged.values()),
            "In bf16 (torch.autocast) its losses should be finite, but are not.",
        )
    with findings.trying("Built to translate only (losses empty, build_discriminator None), it"):
        _check_translation(trial, trial.make(losses=[], build_discriminator=None, initialize=False), trained)
    if not findings.faults and not batches and "source" not in given and "target" not in given:
        _check_other_channels(findings, trial)


@contextlib.contextmanager
def _training(findings: Findings, what: str) -> Iterator[None]:
    """Note what is raised in the block as a fault, with what is known of its cause."""
    with findings.trying(what):
        try:
            yield
        except Exception as error:
            if advice := advice_on(error):
                findings.faults.append(f"{what} raises {error_line(error)} {advice}")
                return
            raise


def _check_training(findings: Findings, trial: Trial) -> tuple[Any, int]:
    """Train until every network has been updated; return the method, and how many steps that took."""
    method = trial.make()
    networks = dict(method.networks)
    names = list(networks)
    findings.expect(names, "Its networks should be by name all that it trains, and there are none.")
    generators = list(method.generators)
    findings.expect(
        generators and set(generators) <= set(names),
        f"Its generators should be names of its networks ({', '.join(names)}), but are {generators}.",
    )
    if findings.faults:
        return None, 0
    runtime = trial.runtime(method)
    before = {name: [p.detach().clone() for p in network.parameters()] for name, network in networks.items()}
    idle, steps = names, 0
    while idle and steps < _MOST_STEPS and not findings.faults:
        _check_logged(findings, trial.step(method, runtime, steps))
        steps += 1
        for name, network in networks.items():
            _check_network(findings, name, network)
        idle = [name for name in idle if _are_equal(before[name], networks[name].parameters())]
    if not findings.faults:
        for name in idle:
            findings.faults.append(
                f'Within {_MOST_STEPS} steps every network should be updated, and "{name}" is left as it was: train it '
                f'within runtime.update("{name}").'
            )
    if not findings.faults:
        fresh = trial.make()
        check_seeding(findings, lambda: fresh.step(trial.batch(fresh, 0), trial.runtime(fresh)))
    return method, steps


def _check_network(findings: Findings, name: str, network: Any) -> None:
    parameters = list(network.parameters())
    finite = all(bool(parameter.isfinite().all()) for parameter in parameters)
    findings.expect(finite, f'After a step the weights of "{name}" should be finite, but are not.')
    kept = network.training and all(parameter.requires_grad for parameter in parameters)
    findings.expect(kept, f'A step should leave "{name}" in training mode with all parameters to train, but does not.')


def _check_logged(findings: Findings, logged: object) -> None:
    if not isinstance(logged, Mapping) or not logged:
        findings.faults.append(
            f"step() should return the losses to log by their names, but returns {_value_text(logged)}."
        )
        return
    for name, value in logged.items():
        findings.expect(
            isinstance(value, Tensor) and value.ndim == 0 and not value.requires_grad and bool(value.isfinite()),
            f'What step() returns as "{name}" should be a finite tensor of no dimensions, detached, but is '
            f"{_value_text(value)}.",
        )


def _value_text(value: object) -> str:
    if not isinstance(value, Tensor):
        return f"{type(value).__name__} {value!r}"[:100]
    grad = " with a gradient" if value.requires_grad else ""
    return f"{value.item()}{grad}" if value.ndim == 0 else f"a tensor of shape {tuple(value.shape)}{grad}"


def _check_repeats(findings: Findings, trial: Trial, steps: int) -> None:
    """Train twice without a break, and once interrupted before the last step and resumed by another object."""

    def begun(steps: int) -> tuple[Any, Any]:
        method = trial.make()
        runtime = trial.runtime(method)
        for number in range(steps):
            trial.step(method, runtime, number)
        return method, runtime

    whole, _ = begun(steps)
    if not findings.expect(
        _equal(whole, begun(steps)[0]),
        "Two runs from one seed should end with the same weights, but do not: what is random is drawn from torch.",
    ):
        return
    first, runtime = begun(steps - 1)
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
    second = trial.make()
    resumed = trial.runtime(second)
    for name, network in second.networks.items():
        network.load_state_dict(saved["networks"][name])
    resumed.load_state_dict(saved["training"])
    if hasattr(second, "load_state_dict"):
        second.load_state_dict(saved["method"])
    trial.step(second, resumed, steps - 1)
    findings.expect(
        _equal(whole, second),
        "Interrupted and resumed, it should end with the weights of a run in one go, but does not: what it keeps from "
        "step to step belongs in state_dict() and load_state_dict().",
    )


def _equal(first: Any, second: Any) -> bool:
    return all(
        torch.equal(value, second.networks[name].state_dict()[key])
        for name, network in first.networks.items()
        for key, value in network.state_dict().items()
    )


def _are_equal(before: list[Tensor], parameters: Iterator[Tensor]) -> bool:
    return all(torch.equal(*pair) for pair in zip(before, parameters, strict=True))


def _sides_of(method: Any) -> dict[str, tuple[str, str]]:
    """Return, of each direction, the sides that it takes and makes."""
    directions = getattr(method, "directions", None) or ("forward",)
    if isinstance(directions, Mapping):
        return {name: (taken, made) for name, (taken, made) in directions.items()}
    back = directions[1:2]
    return {name: ("target", "source") if name in back else ("source", "target") for name in directions}


def _check_translation(trial: Trial, method: Any, trained: Any) -> None:
    findings, networks, generators = trial.findings, dict(method.networks), list(method.generators)
    if found := direction_faults(getattr(method, "directions", None) or ("forward",)):
        findings.faults += found
        return
    for name in generators:
        networks[name].load_state_dict(trained.networks[name].state_dict())
        networks[name].eval()
        trained.networks[name].eval()
    for direction, (taken, made) in _sides_of(method).items():
        source = trial.source(taken)
        with unchanged_inputs(findings, f'translate(source, "{direction}")', source=source):
            output = trial.translation(method, source, direction)
        if findings.faults:
            return  # what follows would translate another source
        again = trial.translation(trained, source, direction)
        forth = (taken, made) == ("source", "target")
        size = scaled_size(source.shape[2], source.shape[3], networks[generators[0]] if forth else None)
        wanted = (len(source), trial.offered[made].planes, *size)
        if not findings.expect(
            isinstance(output, Tensor) and tuple(output.shape) == wanted,
            f'From a source {tuple(source.shape)} translate(source, "{direction}") should make {wanted}, but makes '
            f"{tuple(getattr(output, 'shape', ())) or type(output).__name__}.",
        ):
            continue
        findings.expect(
            torch.equal(output, again),
            f"Built to translate only, with the trained generators ({', '.join(generators)}), it should translate "
            f'"{direction}" as when trained, but does not.',
        )
    first_side = next(iter(_sides_of(method).values()))[0]
    try:
        trial.translation(method, trial.source(first_side), "no such direction")
    except ValueError:
        return
    findings.faults.append("translate() should raise ValueError for a direction that does not exist, but takes any.")


def _check_other_channels(findings: Findings, trial: Trial) -> None:
    """Train and translate what is not of 3 channels on both sides, unless the method refuses it."""
    for what, (source, target) in _OTHERS.items():
        other = trial.like(source=source, target=target)
        with _training(findings, f"With {what}, it"):
            try:
                method = other.make()
                other.step(method, other.runtime(method), 0)
            except REFUSALS:
                continue
            _check_translation(other, other.make(losses=[], build_discriminator=None, initialize=False), method)
        if findings.faults:
            return  # others would say the same


_LABELS = ImageSpec(channels=1, kind="labels", labels=5)
_OTHERS = {
    "sources of 1 channel and targets of 3": (ImageSpec(channels=1), ImageSpec(channels=3)),
    "label maps of 5 classes for sources (build for source.planes, not channels)": (_LABELS, ImageSpec(channels=3)),
    "label maps of 5 classes for targets (build for target.planes, not channels)": (ImageSpec(channels=3), _LABELS),
}
