"""From a checkpoint and pictures to their pages."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from itrans.api import ItransError, OutputError, PluginError, counted, error_text
from itrans.commands import Translator, folder_made, replacing
from itrans_inspect.explaining import markup
from itrans_inspect.explaining.discriminator import LOGITS, discriminator_sections
from itrans_inspect.explaining.generator import (
    LEVELS,
    MODES,
    NOISE,
    SKIPS,
    levels_section,
    noise_section,
    picture_section,
    skips_section,
    statistics_section,
)
from itrans_inspect.explaining.judge import judges_of
from itrans_inspect.explaining.markup import Section, text
from itrans_inspect.explaining.passage import Passage
from itrans_inspect.explaining.picture import Picture, picture_named
from itrans_inspect.explaining.scene import Scene

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from itrans.commands import CheckpointFile
    from itrans_inspect.report import Inspected
    from itrans_inspect.subject import Subject


_log = logging.getLogger("itrans")

_STATISTICS = {"paper": "the picture's own statistics", "running": "the statistics of training"}


@dataclass(frozen=True)
class Request:
    """What is to be explained.

    Attributes:
        names: files, or keys of held-out pairs.
        folder: where the pages go.
        target: a file with what the only picture should become.
        mode: `paper` or `running`.
        seed: of dropout and noise.
        direction: one of the checkpoint's; None is the first.
        options: of translating, by name.
        extras: of the pictures, by name.
        force: replace pages that are there.
    """

    names: Sequence[str]
    folder: Path
    target: Path | None
    mode: str
    seed: int
    direction: str | None
    options: Mapping[str, Any]
    extras: Mapping[str, Any]
    force: bool


def write_pages(request: Request, subject: Subject, networks: list[Inspected]) -> dict[Path, dict[str, Any]]:
    """Write a page for each picture, and return what was measured, by the page.

    Args:
        request: what is wanted.
        subject: a checkpoint's.
        networks: what is known of its networks.

    Raises:
        ItransError: it is no checkpoint, a picture cannot be translated, or a page is there already.
    """
    record, file = subject.checkpoint, subject.file
    if record is None:
        raise ItransError(
            f"--explain follows a picture through trained networks, and {file} is a recipe: give a run's folder or its "
            "checkpoint."
        )
    if request.target is not None and len(request.names) > 1:
        raise ItransError("--target is of one picture, and there are several: --explain them one by one.")
    other = "running" if request.mode == "paper" else "paper"
    translator, beside = (
        Translator(file, device="cpu", mode=mode, seed=request.seed, precision="fp32", record=record)  # type: ignore[arg-type]
        for mode in (request.mode, other)
    )
    pictures: dict[Path, Picture] = {}
    for name in request.names:
        picture = picture_named(
            name,
            translator,
            lambda: record.checked_recipe(file),
            direction=request.direction,
            target=request.target,
            options=request.options,
            extras=request.extras,
        )
        path = request.folder / f"{picture.file_name}.html"
        if path in pictures:
            raise OutputError(f"{pictures[path].name} and {picture.name} would both be written to {path}.")
        if path.exists() and not request.force:
            raise OutputError(f"{path} already exists. Choose another folder, or replace it with --force.")
        pictures[path] = picture
    found = {}
    with folder_made(request.folder):
        for path, picture in pictures.items():
            sections = _sections(picture, request, subject, networks, translator, beside)
            title = f"{picture.name}, explained"
            with replacing(path) as written:
                written.write(markup.page(title, _head(picture, subject, translator, record, sections), sections))
            found[path] = _numbers(picture, translator, sections)
    return found


def _sections(
    picture: Picture,
    request: Request,
    subject: Subject,
    networks: list[Inspected],
    translator: Translator,
    beside: Translator,
) -> list[Section]:
    passage = Passage(translator, picture, request.direction)
    record = subject.checkpoint
    assert record is not None
    scene = Scene(picture, passage, translator, record, request.direction)
    judges, why_none = judges_of(subject, networks, picture, translator, request.direction)
    sections = [
        [picture_section(scene)],
        _section(LEVELS, lambda: [levels_section(scene)]),
        _section(SKIPS, lambda: [skips_section(scene)]),
        _section(LOGITS, lambda: discriminator_sections(scene, judges, why_none)),
        _section(NOISE, lambda: [noise_section(scene)]),
        _section(MODES, lambda: [statistics_section(scene, beside)]),
    ]
    return [one for some in sections for one in some]


def _section(title: str, make: Callable[[], list[Section]]) -> list[Section]:
    """Return sections; or one that says why it is not there, as networks of somebody else's may do anything."""
    try:
        return make()
    except PluginError as error:
        return [Section(title, [], absent=str(error))]
    except Exception as error:
        _log.debug("%s cannot be shown", title, exc_info=True)
        return [Section(title, [], absent=f"This network cannot be looked at so: {error_text(error)}")]


def _head(
    picture: Picture, subject: Subject, translator: Translator, record: CheckpointFile, sections: Sequence[Section]
) -> str:
    progress = record.progress
    averaged = ", averaged weights" if record.training.get("averages") else ""
    steps = f"{progress.step:,} step{'' if progress.step == 1 else 's'}"
    tiles = [
        ("mode", translator.mode, f"normalised by {_STATISTICS[translator.mode]}"),
        ("seed", str(translator.seed), str(sections[0].numbers["dropout"])),
        ("trained", steps, f"{counted(progress.epoch, 'epoch')}{averaged}"),
    ]
    shown = "".join(
        f'<div class="card tile"><div class="label">{text(label)}</div><div class="value">{text(value)}</div>'
        f'<div class="more">{text(more)}</div></div>'
        for label, value, more in tiles
    )
    sample = "" if record.sample is None else (
        f'<div class="notice"><b>Sample data.</b> {text(record.sample.removeprefix("SAMPLE DATA: "))}</div>'
    )  # fmt: skip
    return (
        f'<div class="head"><h1>{text(picture.name)}, followed through \N{LEFT DOUBLE QUOTATION MARK}'
        f"{text(subject.title)}\N{RIGHT DOUBLE QUOTATION MARK}</h1></div>"
        f'<p class="where">{text(subject.file)}</p>{sample}<div class="tiles">{shown}</div>'
    )


def _numbers(picture: Picture, translator: Translator, sections: Sequence[Section]) -> dict[str, Any]:
    return {
        "picture": picture.name,
        "mode": translator.mode,
        "seed": translator.seed,
        "sections": {one.title: {"absent": one.absent, **one.numbers} for one in sections},
    }


def summary(numbers: Mapping[str, Any]) -> list[str]:
    """Return a few lines on what was measured of a picture, as a terminal shows them."""
    sections, lines = numbers["sections"], []
    levels = sections[LEVELS].get("levels", [])
    skips = sections[SKIPS].get("skips", [])
    line = f"{numbers['picture']}: {counted(len(levels), 'level')}, {counted(len(skips), 'skip connection')}"
    if skips:
        most = max(skips, key=lambda skip: skip["change_without"])
        height, width = most["size"]
        line += f"; without the one at {width}x{height} the output changes most, by {most['change_without']:.3g} (L1)"
    lines.append(line)
    for judged in sections[LOGITS].get("maps", []):
        shares = [
            f"{judged[name]['taken_for_real']:.0%} of the {name}" for name in ("output", "target") if name in judged
        ]
        rows, columns = judged["logits"]
        lines.append(f"{columns}x{rows} logits take for real: {', '.join(shares)}")
    return lines
