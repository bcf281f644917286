"""What a loss must be."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from itrans.pictures.spec import ImageSpec
from itrans.records import Translated
from itrans.registry import accepted_arguments
from itrans.testing.devices import check_device, on_meta
from itrans.testing.findings import REFUSALS, error_line, first_names
from itrans.testing.networks import make_seeded, pictures
from itrans.testing.surroundings import check_seeding, unchanged_inputs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from itrans.testing.findings import Findings

_SIZES = (64, 256)
_PRECISIONS = {torch.float32: "fp32", torch.bfloat16: "bf16"}
_CHANNELS = (3, 1, 4)
_CLASSES = 5
"""Planes of label maps, which a loss that refuses all pictures is tried with."""
_WRONG = 0.5
"""How far a logit is on the wrong side of 0 where losses have to be steep; least squares are level at the label."""

_SURE = 60.0
"""A logit whose sigmoid is 1 in float32."""


def check(findings: Findings) -> None:
    """Note what is wrong with a loss."""
    with findings.trying("Built, it"):
        loss = make_seeded(0, findings.build)
        prepares = hasattr(loss, "prepare")
        if prepares:
            make_seeded(0, lambda: _prepare(loss))
        if isinstance(loss, nn.Module):
            _check_parameters(findings, loss)
        role = getattr(loss, "role", None)
        if not findings.expect(
            isinstance(role, str), f'Its role should be "image" or "adversarial" (or one that its method knows): {role}'
        ):
            return
        if role == "adversarial":
            _check_adversarial(findings, loss)
            return
        if (record := findings.tried.get("record")) is not None:
            _check_with(findings, loss, functools.partial(_records_like, record))
            return
        refusals = []
        for channels in _CHANNELS[:1] if prepares else _CHANNELS:
            if refusal := _check_image(findings, loss, channels):
                refusals.append(refusal)
            if findings.faults:
                return  # others would say the same
        if len(refusals) == len(_CHANNELS) and _check_image(findings, loss, _CLASSES, labels=True):
            findings.faults.append(f"It refuses all pictures that were tried: {error_line(refusals[0])}")


def _prepare(loss: Any) -> None:
    """Let a loss make what depends on a method's networks, here a small generator."""
    spec = ImageSpec(_CHANNELS[0])
    layers = [nn.Conv2d(spec.planes, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, spec.planes, 3, padding=1)]
    offered = {"networks": {"generator": nn.Sequential(*layers)}, "source": spec, "target": spec}
    loss.prepare(**accepted_arguments(loss.prepare, offered))


def _check_parameters(findings: Findings, loss: nn.Module) -> None:
    """Look at what a loss has to train, and let it be as training has it."""
    trained = [name for name, parameter in loss.named_parameters() if parameter.requires_grad]
    if getattr(loss, "trains", False):
        findings.expect(trained, "It says trains = True, but has no parameters to train.")
        loss.train()
        return
    findings.expect(
        not trained,
        f"It has trainable parameters ({first_names(trained)}), and training leaves those of "
        "losses as they are: freeze a fixed network by requires_grad_(False).",
    )
    loss.eval().requires_grad_(False)


def _records(channels: int, size: int, labels: bool = False) -> Iterator[tuple[str, Translated]]:
    """Yield what a loss may be given, and how it is called in sentences."""
    what = f"Given pictures of {channels} channel{'s' if channels > 1 else ''}"
    source, target, output = (pictures(channels, size, size, seed=seed) for seed in (1, 2, 3))
    if labels:
        what = f"Given label maps of {channels} classes"
        target = torch.where(target == target.amax(dim=1, keepdim=True), 1.0, -1.0)
    for dtype, name in _PRECISIONS.items():
        yield f"{what} in {name}, it", _record(source, target, output.to(dtype))
    yield f"{what}, of which the output is the target, it", _record(source, target, target)


def _records_like(record: Any) -> Iterator[tuple[str, Any]]:
    """Yield a record of the caller's, its output in both precisions, and how it is called in sentences."""
    if not isinstance(record, Translated):
        yield "Given that record, it", record
        return
    for dtype, name in _PRECISIONS.items():
        output = record.output.detach().to(dtype).clone().requires_grad_()
        yield f"Given that record in {name}, it", dataclasses.replace(record, output=output)


def _record(source: Tensor, target: Tensor, output: Tensor) -> Translated:
    output = output.detach().clone().requires_grad_()
    return Translated(source, target, output, discriminate=lambda image: [image, image[:, :, ::2, ::2] * 2])


def _check_image(findings: Findings, loss: Any, channels: int, *, labels: bool = False) -> Exception | None:
    """Compare pictures of the first size that the loss does not refuse; return why it refuses them all, if it does."""
    refusal: Exception | None = None
    for side in [findings.size] if findings.size else _SIZES:
        try:
            make_seeded(0, lambda side=side: loss(next(_records(channels, side, labels))[1]))  # type: ignore[misc]
        except REFUSALS as error:
            refusal = refusal or error
            continue
        except Exception as error:
            findings.faults.append(f"Given pictures of {channels} channels, it raises {error_line(error)}")
            return None
        _check_with(findings, loss, functools.partial(_records, channels, side, labels))
        return None
    return refusal


def _check_with(findings: Findings, loss: Any, records: Callable[[], Iterator[tuple[str, Any]]]) -> None:
    """Compare pictures, as the loss is given them."""
    for what, record in records():
        tensors = {name: value for name, value in vars(record).items() if isinstance(value, Tensor)}
        with findings.trying(what), unchanged_inputs(findings, what, **tensors):
            value = make_seeded(0, lambda record=record: loss(record))  # type: ignore[misc]
            _check_value(findings, what, value, tensors.get("output"))
    if findings.faults:
        return  # others would say the same
    if getattr(loss, "trains", False):
        lost = [name for name, p in loss.named_parameters() if p.requires_grad and p.grad is None]
        findings.expect(not lost, f"No gradient reaches {first_names(lost)}, which it wants to train.")
    with findings.trying("Called again, it"):
        check_seeding(findings, lambda: loss(next(records())[1]))
    record = next(records())[1]
    if isinstance(record, Translated):
        source, target, output = on_meta(record.source, record.target, record.output)
        elsewhere = Translated(source, target, output, discriminate=lambda image: [image])
        check_device(findings, loss, lambda moved: moved(elsewhere))


def _check_value(findings: Findings, what: str, value: Any, output: Tensor | None) -> None:
    if not _check_scalar(findings, what, value):
        return
    if output is None:
        return
    if findings.expect(value.requires_grad, f"{what} should give a value with a gradient, but gives one without."):
        value.backward()
        findings.expect(
            output.grad is not None and bool(output.grad.isfinite().all()),
            f"{what} should give the output a finite gradient, but gives "
            + ("one that is not." if output.grad is not None else "none."),
        )


def _check_adversarial(findings: Findings, loss: Any) -> None:
    conditional = getattr(loss, "conditional", None)
    findings.expect(isinstance(conditional, bool), f"conditional should be True or False, but is {conditional!r}.")
    calls = {
        "discriminator(real_logits, fake_logits)": (("fall", "targets", -_WRONG), ("rise", "outputs", _WRONG)),
        "generator(fake_logits)": (("fall", "outputs", -_WRONG),),
    }
    for dtype, dtype_name in _PRECISIONS.items():
        for call, sides in calls.items():
            name = call.partition("(")[0]
            what = f"Given logits in {dtype_name}, {call}"
            logits = [torch.full((2, 1, 4, 4), start, dtype=dtype, requires_grad=True) for _, _, start in sides]
            with findings.trying(what):
                value = getattr(loss, name)(*logits)
                if not _check_scalar(findings, what, value):
                    continue
                value.backward()
                for side, (way, whose, start) in zip(logits, sides, strict=True):
                    slope = 0.0 if side.grad is None else float(side.grad.float().sum())
                    findings.expect(
                        slope < 0 if way == "fall" else slope > 0,
                        f"{name}() should {way} as the logits of {whose} rise from {start}.",
                    )
    if not findings.faults:  # others would say the same
        _check_extremes(findings, loss)
        zeros = torch.zeros(2, 1, 4, 4)
        check_seeding(findings, lambda: (loss.generator(zeros), loss.discriminator(zeros, zeros)))
        real, fake = on_meta(zeros, zeros)
        check_device(findings, loss, lambda moved: (moved.generator(fake), moved.discriminator(real, fake)))


def _check_extremes(findings: Findings, loss: Any) -> None:
    for sign in (1, -1):
        real, fake = (torch.full((2, 1, 4, 4), s * _SURE, requires_grad=True) for s in (sign, -sign))
        with findings.trying(f"Given logits of {_SURE:g} and {-_SURE:g}, it"):
            values = [loss.discriminator(real, fake), loss.generator(fake)]
            torch.stack(values).sum().backward()  # type: ignore[no-untyped-call]
            gradients = [logits.grad for logits in (real, fake) if logits.grad is not None]
            findings.expect(
                all(bool(tensor.isfinite().all()) for tensor in [*values, *gradients]),
                f"Given logits of {sign * _SURE:g} for targets and {-sign * _SURE:g} for outputs, it should be finite, "
                "but is not: the logarithm of a sigmoid is logsigmoid.",
            )


def _check_scalar(findings: Findings, what: str, value: object) -> bool:
    shown = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
    if not findings.expect(
        isinstance(value, Tensor) and value.ndim == 0,
        f"{what} should give a tensor of no dimensions, but gives {shown}.",
    ):
        return False
    assert isinstance(value, Tensor)
    findings.expect(
        value.dtype == torch.float32,
        f"{what} should give float32, but gives {value.dtype}: compute in float(), for bf16 has 8 significant bits.",
    )
    return findings.expect(bool(value.isfinite()), f"{what} should give a finite number, but gives {value.item()}.")
