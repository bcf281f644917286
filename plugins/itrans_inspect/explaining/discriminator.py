"""The sections on the discriminator: its logits over the picture, and the gradient that one of them sends back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from itrans_inspect.explaining import markup
from itrans_inspect.explaining.colours import Scale, picture_uri
from itrans_inspect.explaining.judge import most_doubtful, patch_of
from itrans_inspect.explaining.markup import Section, figure, image, number, row, text
from itrans_inspect.explaining.scene import amounts

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from itrans_inspect.explaining.judge import Gradient, Judge
    from itrans_inspect.explaining.scene import Scene
    from itrans_inspect.fields import Field

LOGITS, GRADIENT = "What the discriminator says", "The gradient that one logit sends back"
_STEP = 0.25
"""How far the pixels are moved to show what a gradient asks for: the one that moves most, by a quarter of the range."""


def discriminator_sections(scene: Scene, judges: Sequence[Judge], why_none: str) -> list[Section]:
    """Return both sections; of several discriminators, about the first.

    Args:
        scene: what the page is about.
        judges: those that judge such outputs.
        why_none: why there are none, as a sentence.
    """
    if not judges:
        return [Section(LOGITS, [], absent=why_none), Section(GRADIENT, [], absent=why_none)]
    judge, output = judges[0], scene.output.float()
    maps = judge.maps(output)
    if not maps or len(maps) != len(judge.fields):
        why = f"{judge.name} gives no map of logits over the picture."
        return [Section(LOGITS, [], absent=why), Section(GRADIENT, [], absent=why)]
    others = [other.name for other in judges[1:]]
    place = most_doubtful(maps[0], judge.fields[0], (output.shape[2], output.shape[3]))
    return [_logits(scene, judge, others, maps, place), _gradient(scene, judge, maps[0], place)]


def _logits(
    scene: Scene, judge: Judge, others: Sequence[str], maps: Sequence[Tensor], place: tuple[int, int]
) -> Section:
    target = scene.picture.target
    real = None if target is None else judge.maps(target)
    (middle, meaning), body, entries = scene.boundary(), "", []
    for which, (found, field) in enumerate(zip(maps, judge.fields, strict=True)):
        at = place if which == 0 else most_doubtful(found, field, (scene.output.shape[2], scene.output.shape[3]))
        scale = Scale.of_signs(found, *([] if real is None else [real[which]]), middle=middle)
        figures = [_over(scene.shown(scene.output), found, field, scale, at, "output")]
        if target is not None and real is not None:
            figures.append(_over(scene.shown(target), real[which], field, scale, at, "target"))
        rows, columns = found.shape
        patch = "the whole picture" if field.width is None else f"a patch of {field.width}x{field.width} pixels"
        body += (
            f'<p class="half">{columns}x{rows} logits of {text(judge.name)}; each judges {patch}</p>'
            f"{row(figures, 'large')}{markup.legend(scale, 'translated', 'real')}"
        )
        entry: dict[str, Any] = {"logits": [rows, columns], "patch": field.width, "output": _measured(found, middle)}
        if real is not None:
            entry["target"] = _measured(real[which], middle)
        entries.append(entry)
    sees = "beside the source" if judge.sees_source else "without the source"
    words = [
        f"The discriminator looks at the picture {sees} and puts out one number, a logit, for each of many patches "
        f"that overlap (section 3.2.2). Above {number(middle)} it takes the patch for a real one (blue), below for a "
        "translated one (red). A square of colour is in the middle of its patch; the frame is the patch of the logit "
        "that is lowest for the output.",
        "Neither side should win for good: where all outputs are red and all targets blue, the discriminator is far "
        "ahead, at least for this picture.",
    ]
    absent = "" if real is not None else "There is no target to compare with."
    if meaning:
        words.append(meaning)
    if others:
        words.append(f"The method has more of them, for the same pictures: {text(', '.join(others))}.")
    return Section(LOGITS, words, body, {"discriminator": judge.name, "maps": entries}, absent)


def _measured(logits: Tensor, middle: float) -> dict[str, float]:
    return {
        "mean": float(logits.mean()),
        "lowest": float(logits.min()),
        "highest": float(logits.max()),
        "taken_for_real": float(logits.gt(middle).float().mean()),
    }


def _over(
    pixels: NDArray[np.uint8], logits: Tensor, field: Field, scale: Scale, place: tuple[int, int], name: str
) -> str:
    """Return a picture with its logits over it, each where its patch is, and one patch outlined."""
    height, width = pixels.shape[:2]
    rows, columns = logits.shape
    middle = field.origin + ((field.width or field.spacing) - field.spacing) / 2
    left, top, right, bottom = patch_of(field, *place, (height, width))
    line = max(width, height) / 160
    drawing = (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="logits over the {name}">'
        f'<image href="{picture_uri(pixels)}" width="{width}" height="{height}" class="pixels"/>'
        f'<image href="{picture_uri(scale.colours(logits))}" x="{middle:g}" y="{middle:g}" class="pixels" '
        f'width="{columns * field.spacing:g}" height="{rows * field.spacing:g}" preserveAspectRatio="none" '
        f'opacity="0.62"/>'
        f"{_frame((left, top, right, bottom), line)}</svg>"
    )
    found = _measured(logits, (scale.low + scale.high) / 2)
    share = round(100 * found["taken_for_real"])
    return figure(
        drawing,
        f"the {name}: {share} % of the patches taken for real",
        f"mean logit {number(found['mean'])}, from {number(found['lowest'])} to {number(found['highest'])}",
    )


def _frame(box: tuple[float, float, float, float], line: float) -> str:
    left, top, right, bottom = box
    sides = f'x="{left:g}" y="{top:g}" width="{right - left:g}" height="{bottom - top:g}" fill="none"'
    return (
        f'<rect {sides} stroke="#fff" stroke-width="{2 * line:.2f}"/>'
        f'<rect {sides} stroke="#16191d" stroke-width="{line:.2f}"/>'
    )


def _gradient(scene: Scene, judge: Judge, logits: Tensor, place: tuple[int, int]) -> Section:
    output, field = scene.output.float(), judge.fields[0]
    found = judge.gradient(output, 0, *place)
    size = output.shape[2], output.shape[3]
    box = tuple(round(side) for side in patch_of(field, *place, size))
    heat = found.of_picture.abs().sum(dim=0)
    figures = [_heat(heat, amounts(heat), box, "its gradient on the output", found)]
    if found.of_source is not None and found.of_source.shape[1:] == size:
        own = found.of_source.abs().sum(dim=0)
        figures.append(_heat(own, amounts(own), box, "its gradient on the source", None))
    body = row(figures, "large") + markup.legend(amounts(heat), "none", "sum over the channels")
    steps, numbers = _asked_for(scene, judge, found, box)
    body += steps
    support = found.box
    whole = "" if field.width is not None else ", which is the whole picture"
    sides = (0, 0) if support is None else (support[2] - support[0], support[3] - support[1])
    numbers |= {
        "row": found.row,
        "column": found.column,
        "logit": found.logit,
        "support": None if support is None else list(support),
        "patch": field.width,
        "beyond": found.beyond,
    }
    words = [
        f"The logit in row {found.row + 1} and column {found.column + 1}, {number(found.logit)}, is followed back. "
        f"Its gradient tells the generator which pixels matter to it, and which way: it reaches {sides[0]}x{sides[1]} "
        f"pixels of the output, and nothing beyond its patch{whole} (section 3.2.2). Training adds up what all logits "
        "send back, and the L1 term (sections 3.1 and 3.3).",
    ]
    if found.beyond:
        words.append(
            "Here the statistics of the normalisation layers, mean and variance over the picture, are held constant. "
            "They depend on every pixel: followed through them, the gradient reaches the whole picture, and "
            f"{100 * found.beyond:.2g} % of its absolute sum is outside the patch."
        )
    return Section(GRADIENT, words, body, numbers)


def _heat(values: Tensor, scale: Scale, box: Sequence[float], name: str, found: Gradient | None) -> str:
    height, width = values.shape
    left, top, right, bottom = box
    drawing = (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{name}">'
        f'<image href="{picture_uri(scale.colours(values))}" width="{width}" height="{height}" class="pixels"/>'
        f"{_frame((left, top, right, bottom), max(width, height) / 220)}</svg>"
    )
    return figure(drawing, name, f"at most {number(float(values.max()))}" if found or values.any() else "none")


def _asked_for(scene: Scene, judge: Judge, found: Gradient, box: Sequence[int]) -> tuple[str, dict[str, Any]]:
    """Return the patch before and after its pixels have moved the way that the logit asks for, and the logit then."""
    most = float(found.of_picture.abs().max())
    if not most:
        return "", {}
    output = scene.output.float()
    moved = (output + found.of_picture * (2 * _STEP / most)).clamp(-1, 1)
    after = float(judge.maps(moved)[0][found.row, found.column])
    height, width = output.shape[-2:]
    left, top, right, bottom = max(0, box[0]), max(0, box[1]), min(width, box[2]), min(height, box[3])
    patch = slice(top, bottom), slice(left, right)
    wish = found.of_picture.mean(dim=0)[patch]
    scale = Scale.of_signs(wish)
    figures = [figure(image(scene.shown(output)[patch], "the patch"), "the patch", f"logit {number(found.logit)}")]
    figures.append(
        figure(
            image(scale.colours(wish), "what it asks for"), "what it asks for", "the gradient, mean over the channels"
        )
    )
    numbers: dict[str, Any] = {"after": after}
    figures.append(
        figure(
            image(scene.shown(moved)[patch], "the patch, moved"),
            "a step that way",
            f"logit {number(after)}; no value moved by more than {_STEP:g} of the range",
        )
    )
    names = ("darker", "lighter") if scene.translator.specs(scene.direction)[1].kind == "image" else ("lower", "higher")
    head = '<p class="half">Which way the pixels should go to look more real</p>'
    return head + row(figures, "three") + markup.legend(scale, *names), numbers
