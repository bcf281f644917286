"""The sections on the generator: the picture, its levels, its skip connections, the noise and the statistics."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from itrans.api import counted
from itrans_inspect.explaining import markup
from itrans_inspect.explaining.colours import Scale, components, largest_channels
from itrans_inspect.explaining.markup import Section, figure, image, number, row, shape, text
from itrans_inspect.explaining.scene import amounts, change, l1, small

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from itrans.commands import Translator
    from itrans_inspect.explaining.scene import Scene
    from itrans_inspect.stages import Stage

LEVELS, SKIPS = "What every level sees", "Without a skip connection"
NOISE, MODES = "The noise z: other seeds", "Paper or running"

_CHANNELS, _SEEDS, _MOST_SKIPS = 7, 4, 12
_HALVES = ("Encoder: from the picture down", "Decoder: back up to the picture")


def picture_section(scene: Scene) -> Section:
    """Return the source, the output and the target."""
    picture, output = scene.picture, scene.output
    figures = [
        figure(image(scene.shown_source(), "source"), "source", _shape(picture.source)),
        figure(image(scene.shown(output), "output"), "output", _shape(output)),
    ]
    numbers: dict[str, Any] = {"source": list(picture.source.shape[1:]), "output": list(output.shape[1:])}
    numbers["dropout"] = scene.dropout()
    absent = "There is no target to compare with: give one with --target FILE, or the key of a held-out pair."
    if picture.target is not None:
        numbers["l1"] = l1(output, picture.target)
        distance = f"L1 from the output: {number(numbers['l1'])}"
        figures.append(figure(image(scene.shown(picture.target), "target"), "target", distance))
        absent = ""
    words = [
        text(picture.origin),
        "The generator G takes the source x and makes the output G(x, z) of it; the target y is the picture that it "
        "should be like (section 3). L1 is the mean absolute difference of two pictures, from 0 for the same to 1 for "
        "black and white.",
    ]
    return Section("The picture", words, row(figures, "large"), numbers, absent)


def levels_section(scene: Scene) -> Section:
    """Return what every level of the generator makes of the picture."""
    passage = scene.passage
    title = LEVELS
    values = passage.stage_values() if passage.structure.stages else []
    last = passage.structure.stages[-1] if values else None
    found = [
        (stage, value)
        for stage, value in zip(passage.structure.stages, values, strict=True)
        if value is not None
        and value.ndim == 3
        and tuple(value.shape) != passage.given
        and not (stage is last and len(value) == scene.output.shape[1])
    ]
    if not found:
        return Section(title, [], absent="The values of this generator have no place in the picture to show them at.")
    innermost = min(range(len(found)), key=lambda place: found[place][1].shape[1] * found[place][1].shape[2])
    halves = [found[: innermost + 1], found[innermost + 1 :]] if innermost else [[], found]
    body = "".join(
        f'<p class="half">{name}</p><div class="card">{"".join(_level(*level) for level in half)}</div>'
        for name, half in zip(_HALVES, halves, strict=True)
        if half
    )
    words = [
        "A level is a size at which the generator has feature maps. On the way down they get smaller and more "
        "numerous, so that a value sees more of the picture and keeps less of where things are; on the way up it is "
        "the other way round (sections 3.2.1 and 6.1.1).",
        "In colour: the three directions in which the channels of a level vary most over the picture (principal "
        "components), as red, green and blue. Beside them are the channels that vary most, each from its lowest value "
        "(dark) to its highest (light). Of the decoder, what comes from below is shown, before a skip connection adds "
        "its channels.",
    ]
    if passage.calls > 1:
        words.append(f"The method calls this generator {passage.calls} times; the last call is shown.")
    if tuple(passage.given[-2:]) != tuple(scene.picture.source.shape[-2:]):
        height, width = passage.given[-2:]
        words.append(f"For it, the picture was reflected at its edges to {width}x{height}.")
    numbers = {"levels": [{"shape": list(value.shape), "operation": stage.operation} for stage, value in found]}
    return Section(title, words, body, numbers)


def _level(stage: Stage, value: Tensor) -> str:
    channels, height, width = value.shape
    notes = [f"by: {text(stage.operation)}"] if stage.operation else []
    if stage.convolutions > 1:
        notes.append(f"{stage.convolutions} convolutions")
    if stage.copied:
        notes.append(f"a skip connection then adds {stage.copied} channels")
    head = (
        f'<div><h3>{width}x{height}, {counted(channels, "channel")}</h3><p class="soft">{"<br>".join(notes)}</p></div>'
    )
    if height * width == 1:
        return f'<div class="level">{head}{_vector(value.flatten())}</div>'
    shown = small(value)
    figures = [figure(image(components(shown), "principal components"), "all, in colour")] if channels > 1 else []
    for place in largest_channels(value, _CHANNELS):
        scale = Scale(float(shown[place].min()), float(shown[place].max()), "amount")
        ends = f"{number(float(value[place].min()), 2)} to {number(float(value[place].max()), 2)}"
        figures.append(figure(image(scale.colours(shown[place]), f"channel {place}"), f"channel {place}", ends))
    return f'<div class="level">{head}{row(figures, "small")}</div>'


def _vector(values: Tensor) -> str:
    """Return the values of one pixel as a square of squares."""
    side = math.ceil(math.sqrt(len(values)))
    padded = torch.cat([values, values.new_zeros(side * math.ceil(len(values) / side) - len(values))])
    scale = Scale.of_signs(values)
    square = figure(
        image(scale.colours(padded.reshape(-1, side)), "the values of the only pixel"),
        f"its only pixel: {len(values)} values, a square each",
        "What is left of the picture as a whole.",
    )
    return f"<div>{row([square])}{markup.legend(scale)}</div>"


def skips_section(scene: Scene) -> Section:
    """Return the output without each skip connection, and with that one alone."""
    title, passage = SKIPS, scene.passage
    skips = [skip for skip in passage.structure.skips if skip.joins][:_MOST_SKIPS]
    if not skips:
        return Section(
            title,
            [],
            absent="This generator has no skip connections from one level to another, like the encoder-decoder of "
            "section 4.3.",
        )
    full, target = scene.output, scene.picture.target
    without = {skip: passage.without([skip]) for skip in skips}
    alone = {skip: passage.without([other for other in skips if other is not skip]) for skip in skips}
    none = passage.without(skips)
    scale = amounts(*(change(full, one) for one in without.values()))
    figures = [
        figure(image(scene.shown(full), "full output"), "with all of them", _distance(full, target)),
        figure(image(scene.shown(none), "no skip connection"), "with none of them", _differences(none, full, target)),
    ]
    body, entries = _at_level("<h3>All skip connections</h3>", figures), []
    for skip in skips:
        stage, changed = passage.structure.stages[skip.start], change(full, without[skip])
        (height, width), end = stage.size or (0, 0), passage.structure.stages[skip.end].size or (0, 0)
        to = "" if end == (height, width) else f" to {end[1]}x{end[0]}"
        what = "the source itself" if skip.start == 0 else counted(stage.channels, "channel")
        how = "added to the decoder's values" if skip.kind == "sum" else "laid beside the decoder's"
        body += _at_level(
            f'<h3>{width}x{height}{to}, {what}</h3><p class="soft">{how}</p>',
            [
                figure(
                    image(scene.shown(without[skip]), f"without {width}x{height}"),
                    "without it",
                    _differences(without[skip], full, target),
                ),
                figure(
                    image(scale.colours(changed), f"change without {width}x{height}"),
                    "where that changes it",
                    f"at most {number(float(changed.max()))}",
                ),
                figure(
                    image(scene.shown(alone[skip]), f"only {width}x{height}"),
                    "with it alone",
                    _differences(alone[skip], full, target),
                ),
            ],
        )
        entries.append(
            {
                "size": [height, width],
                "channels": stage.channels,
                "kind": skip.kind,
                "change_without": l1(full, without[skip]),
                "change_alone": l1(full, alone[skip]),
            }
        )
    words = [
        "A skip connection hands what the encoder has at one size to the decoder at the same size (section 3.2.1). "
        "Here each in turn brings zeros instead, and then each in turn is the only one that does not. Look "
        "at which of them carries exact lines, and which broad shapes and colours.",
        "Nothing was retrained for this: it shows how much this network leans on a connection for this picture. "
        "Section 4.3 tries networks that never had any.",
    ]
    body = f'<div class="card">{body}</div>{markup.legend(scale, "no change", "")}'
    return Section(title, words, body, {"skips": entries, "none": l1(full, none)})


def _at_level(head: str, figures: Sequence[str]) -> str:
    return f'<div class="level"><div>{head}</div>{row(figures, "three")}</div>'


def noise_section(scene: Scene) -> Section:
    """Return outputs of several seeds, and where they differ."""
    title, translator = NOISE, scene.translator
    seeds = [translator.seed + place for place in range(_SEEDS)]
    outputs = [scene.output, *(scene.passage.translated(seed) for seed in seeds[1:])]
    spread = torch.cat(outputs).std(dim=0, correction=0).mean(dim=0) / 2
    words = [
        "The paper has no input for noise: z is dropout alone, which stays on at test time, and the outputs vary "
        f"little (sections 3.1 and 3.3). Here, {scene.dropout()}."
    ]
    numbers = {"seeds": seeds, "l1_between_seeds": [l1(outputs[0], one) for one in outputs[1:]]}
    if not float(spread.max()):
        return Section(title, words, "", numbers, f"All seeds give the same output: {translator.why_alike()}.")
    scale = amounts(spread)
    figures = [
        figure(
            image(scene.shown(one), f"seed {seed}"),
            f"seed {seed}",
            "" if place == 0 else f"L1 from seed {seeds[0]}: {number(l1(outputs[0], one))}",
        )
        for place, (seed, one) in enumerate(zip(seeds, outputs, strict=True))
    ]
    figures.append(
        figure(image(scale.colours(spread), "spread"), "where they differ", "standard deviation over the seeds")
    )
    return Section(title, words, row(figures) + markup.legend(scale, "always the same", ""), numbers)


def statistics_section(scene: Scene, other: Translator) -> Section:
    """Return the outputs of both modes side by side; `other` is a translator of the mode that is not looked at."""
    outputs = {scene.translator.mode: scene.output, other.mode: scene.passage.translated(translator=other)}
    paper, running = outputs["paper"], outputs["running"]
    target, difference = scene.picture.target, change(paper, running)
    words = [
        "As in the paper, batch normalisation takes mean and variance from the one picture at hand, and dropout is on: "
        "mode <code>paper</code> (section 3.3). Mode <code>running</code> takes the averages gathered in training, and "
        "has dropout off, as most networks are used."
    ]
    numbers = {"l1_between_modes": l1(paper, running)}
    if not float(difference.max()):
        absent = "Both modes give the same output: nothing in this generator depends on the mode."
        return Section(MODES, words, "", numbers, absent)
    scale = amounts(difference)
    figures = [
        figure(image(scene.shown(paper), "mode paper"), "mode paper", _distance(paper, target)),
        figure(image(scene.shown(running), "mode running"), "mode running", _distance(running, target)),
        figure(
            image(scale.colours(difference), "difference"),
            "where they differ",
            f"L1 between them: {number(numbers['l1_between_modes'])}",
        ),
    ]
    return Section(MODES, words, row(figures, "large") + markup.legend(scale, "the same", ""), numbers)


def _shape(planes: Tensor) -> str:
    return shape(planes.shape[1:])


def _distance(output: Tensor, target: Tensor | None) -> str:
    return "" if target is None else f"L1 from the target: {number(l1(output, target))}"


def _differences(output: Tensor, full: Tensor, target: Tensor | None) -> str:
    changed = f"changed by {number(l1(full, output))} (L1)"
    return changed if target is None else f"{changed}<br>{_distance(output, target)}"
