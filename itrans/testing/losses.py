"""What a loss must be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from itrans.protocols import Translated
from itrans.testing.findings import Findings, built

if TYPE_CHECKING:
    from collections.abc import Callable

_SIZE = 64


def faults(component: Callable[..., Any], arguments: dict[str, Any]) -> list[str]:
    """Return what is wrong with a loss."""
    findings = Findings()
    with findings.trying("Building it"):
        loss = built(component, arguments)
        if isinstance(loss, nn.Module):
            loss.eval().requires_grad_(False)  # as training has it
        role = getattr(loss, "role", None)
        if not findings.expect(isinstance(role, str), 'It has no role: say role = "image" or role = "adversarial".'):
            return findings.faults
        if role == "adversarial":
            _check_adversarial(findings, loss)
        else:
            for channels in (3, 1, 4):
                _check_image(findings, loss, channels)
    return findings.faults


def _check_image(findings: Findings, loss: Any, channels: int) -> None:
    what = f"Comparing pictures of {channels} channel{'s' if channels > 1 else ''}"
    for dtype in (torch.float32, torch.bfloat16):
        generator = torch.Generator().manual_seed(channels)
        source, target, output = (torch.rand(2, channels, _SIZE, _SIZE, generator=generator) * 2 - 1 for _ in range(3))
        output = output.to(dtype).requires_grad_()
        record = Translated(source, target, output, discriminate=lambda image: [image, image.square()])
        how = f"{what} in {'fp32' if dtype == torch.float32 else 'bf16'}"
        try:
            value = loss(record)
        except ValueError:
            return  # says itself that it does not take so many channels
        except Exception as error:
            findings.faults.append(f"{how} failed: {type(error).__name__}: {error}")
            return
        if not _check_scalar(findings, how, value):
            return
        findings.expect(
            value.dtype == torch.float32,
            f"{how}, it gives {value.dtype}: compute in float(), bf16 has 8 significant bits.",
        )
        if not findings.expect(value.requires_grad, f"{how}, no gradient reaches the output."):
            return
        value.backward()
        reached = output.grad is not None and bool(output.grad.isfinite().all())
        findings.expect(reached, f"{how}, the output's gradient is missing or not finite.")


def _check_adversarial(findings: Findings, loss: Any) -> None:
    conditional = getattr(loss, "conditional", None)
    findings.expect(isinstance(conditional, bool), f"conditional is {conditional!r}; it should be True or False.")
    for dtype in (torch.float32, torch.bfloat16):
        real, fake = (torch.zeros(2, 1, 4, 4, dtype=dtype, requires_grad=True) for _ in range(2))
        with findings.trying("Its discriminator(real_logits, fake_logits)"):
            value = loss.discriminator(real, fake)
            if _check_scalar(findings, "discriminator(...)", value):
                value.backward()
                findings.expect(
                    _slope(real) < 0, "The discriminator's loss should fall as the logits of what is real rise."
                )
                findings.expect(
                    _slope(fake) > 0, "The discriminator's loss should rise with the logits of what is fake."
                )
        fake = torch.zeros(2, 1, 4, 4, dtype=dtype, requires_grad=True)
        with findings.trying("Its generator(fake_logits)"):
            value = loss.generator(fake)
            if _check_scalar(findings, "generator(...)", value):
                value.backward()
                findings.expect(_slope(fake) < 0, "The generator's loss should fall as the logits of its outputs rise.")


def _check_scalar(findings: Findings, what: str, value: object) -> bool:
    shown = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
    scalar = isinstance(value, Tensor) and value.ndim == 0
    if not findings.expect(scalar, f"{what} gives {shown}; it should be a tensor of no dimensions."):
        return False
    assert isinstance(value, Tensor)
    return findings.expect(bool(value.isfinite()), f"{what} gives {value.item()}.")


def _slope(logits: Tensor) -> float:
    return 0.0 if logits.grad is None else float(logits.grad.float().sum())
