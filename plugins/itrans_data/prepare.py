"""`itrans data prepare`."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from itrans.api import DataError, ItransError, OutputError, counted, printable
from itrans.commands import console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itrans.api import Split
    from itrans_data.alike import Dropped
    from itrans_data.items import Item
    from itrans_data.outputs import Output
    from itrans_data.steps import EdgeMethod, LabelSide, Steps

_MOST_NAMED = 20
_DROPPED = "dropped.csv"
_USUAL: dict[Split, float] = {"train": 0.9, "val": 0.05, "test": 0.05}
"""How shards are divided if nothing is said."""


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="FOLDER [TARGETS]")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), metavar="DIR", help="The folder to make."
)
@click.option("--halve", is_flag=True, help="Cut pictures A|B into their halves: source and target.")
@click.option("--shorter", type=click.IntRange(min=1), metavar="N", help="Scale the shorter side to N pixels.")
@click.option("--longer", type=click.IntRange(min=1), metavar="N", help="Scale the longer side to N pixels.")
@click.option("--resize", metavar="HxW", help="Scale to this height and width.")
@click.option("--edges", type=click.Choice(["canny", "xdog"]), help="Draw the edges of pictures, as their sources.")
@click.option("--tile", type=click.IntRange(min=1), metavar="N", help="Cut into tiles of NxN pixels.")
@click.option("--overlap", type=click.IntRange(min=0), metavar="N", help="Pixels that tiles share.  [default: 0]")
@click.option("--join", is_flag=True, help="Lay source and target side by side, as A|B.")
@click.option(
    "--labels",
    type=click.Choice(["source", "target", "all"]),
    help="Which side holds label maps, whose values are never mixed.",
)
@click.option("--split", metavar="FRACTIONS", help="Divide into splits: train=0.8,val=0.1,test=0.1")
@click.option(
    "--group",
    metavar="PATTERN",
    help="With --split: keep together names in which this regular expression finds the same, or all of a `folder`.",
)
@click.option("--drop-duplicates", is_flag=True, help="Leave out pictures that look like others, in any split.")
@click.option(
    "--alike",
    type=click.IntRange(0, 31),
    metavar="N",
    help="How many of the 64 bits of a perceptual hash may differ.  [default: 4]",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["png", "jpg", "webp", "tif", "npy"]),
    help="Format of the pictures.  [default: as they are; PNG for those that are changed]",
)
@click.option("--shards", type=click.IntRange(min=1), metavar="N", help="Write tar files of N pairs each.")
def prepare(
    inputs: tuple[str, ...],
    output: Path,
    halve: bool,
    join: bool,
    shorter: int | None,
    longer: int | None,
    resize: str | None,
    edges: EdgeMethod | None,
    tile: int | None,
    overlap: int | None,
    labels: LabelSide | None,
    split: str | None,
    group: str | None,
    drop_duplicates: bool,
    alike: int | None,
    format_: str | None,
    shards: int | None,
) -> None:
    """Make a data set of one or two folders of pictures.

    FOLDER has pictures or, with TARGETS, the sources of targets that have the same names.

    The work is done in the order of the options below: pictures are cut into halves, scaled, drawn, cut into tiles,
    joined; then written. Folders train, val and test are kept; {split} in a path means each of them. Otherwise --split
    divides by a hash of each name, so pictures added later do not move others.

    Nothing in FOLDER is changed. The same pictures give the same files. Pictures that cannot be read are named and left
    out; the exit code is then 2.
    """
    from itrans_data.alike import require_library
    from itrans_data.items import divide, find_items, fractions_of
    from itrans_data.outputs import Folders, Shards, new_folder
    from itrans_data.steps import Steps

    _check_options(inputs, halve=halve, join=join, edges=edges, labels=labels, shards=shards)
    _require_other("--overlap", overlap, "--tile", tile)
    _require_other("--group", group, "--split", split)
    _require_other("--alike", alike, "--drop-duplicates", drop_duplicates or None)
    if overlap is not None and tile is not None and overlap >= tile:
        raise DataError(f"--overlap {overlap}: tiles of {tile} pixels cannot share so many.")
    if sum(value is not None for value in (shorter, longer, resize)) > 1:
        raise DataError("--shorter, --longer and --resize each say a size: give one of them.")
    steps = Steps(halve, labels, shorter, longer, _size_of(resize), edges, tile, overlap or 0, join)
    if drop_duplicates:
        require_library()
    fractions = None if split is None else fractions_of(split)
    _refuse_inside(inputs, output)
    items = find_items(inputs)
    if items[0].split is not None and split is not None:
        raise DataError(f"{inputs[0]} is divided already: leave out --split.")
    if items[0].split is None and (fractions or shards):
        fractions = fractions or _USUAL
        items = divide(items, fractions, group)
    faults: list[str] = []
    found: Counter[int] = Counter()
    with new_folder(output) as folder:
        dropped = _drop_alike(items, steps, 4 if alike is None else alike, faults) if drop_duplicates else []
        gone = {id(one.item) for one in dropped}
        staying = [item for item in items if id(item) not in gone]
        writer = Folders(folder, format_) if shards is None else Shards(folder, format_, shards)
        with writer as written:
            _write(staying, steps, written, faults, found)
        if not written.counts:
            raise DataError(_listing(faults) or "Nothing is left to write.")
        if drop_duplicates:
            _write_dropped(folder / _DROPPED, dropped)
    _report(output, items, written, fractions, dropped if drop_duplicates else None)
    pairs = len(inputs) == 2 or halve or edges is not None
    click.echo(
        _recipe(output, written, steps, pairs=pairs, shards=shards is not None, classes=max(found, default=0) + 1)
    )
    if faults:
        raise DataError(_listing(faults))


def _check_options(
    inputs: tuple[str, ...],
    *,
    halve: bool,
    join: bool,
    edges: str | None,
    labels: str | None,
    shards: int | None,
) -> None:
    """Raise `DataError` if options do not go together, or not with so many folders."""
    pairs = len(inputs) == 2 or halve or edges is not None
    if len(inputs) > 2:
        raise DataError(f"{len(inputs)} folders are given: it takes one, or two of sources and targets.")
    if len(inputs) == 2 and (halve or edges):
        raise DataError(f"{'--halve' if halve else '--edges'} makes pairs of single pictures: give one folder.")
    if halve and edges:
        raise DataError("--halve and --edges both make pairs: give one of them.")
    if halve and join:
        raise DataError("--join undoes what --halve does: give one of them.")
    for option, given in (("--join", join), ("--shards", shards)):
        if given and not pairs:
            raise DataError(f"{option} is for pairs: give two folders, or --halve or --edges.")
    if join and shards:
        raise DataError("--shards holds source and target as two files: leave out --join.")
    if labels in {"source", "target"} and not pairs:
        raise DataError(f"--labels {labels} is for pairs; of single pictures it is --labels all.")
    if labels and edges:
        raise DataError("--edges draws pictures, not label maps: leave out --labels.")


def _require_other(option: str, value: object, other: str, other_value: object) -> None:
    if value is not None and other_value is None:
        raise DataError(f"{option} has no effect without {other}.")


def _size_of(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,6})x(\d{1,6})", text)
    if match is None or "0" in {match[1].lstrip("0") or "0", match[2].lstrip("0") or "0"}:
        raise DataError(f"--resize {text}: it takes height x width, as in 256x512.")
    return int(match[1]), int(match[2])


def _refuse_inside(inputs: Sequence[str], output: Path) -> None:
    for name in inputs:
        base = Path(name.partition("{split}")[0]).expanduser().resolve()
        if output.resolve().is_relative_to(base) and Path(name.partition("{split}")[0]).parts:
            raise DataError(f"-o {output} is in {name}, in which nothing is changed: give a folder elsewhere.")


def _drop_alike(items: list[Item], steps: Steps, most: int, faults: list[str]) -> list[Dropped]:
    """Return the items that look like others; those that cannot be read are no faults before they are written."""
    from itrans_data.alike import look_of, without_alike

    looks = []
    with console.Bar("comparing", len(items)) as bar:
        for item in items:
            bar.advance()
            try:
                looks.append((item, look_of(steps.read(item))))
            except ItransError:
                continue
    return sorted(without_alike(looks, most), key=lambda one: (one.item.split or "", one.item.name))


def _write(items: list[Item], steps: Steps, output: Output, faults: list[str], found: Counter[int]) -> None:
    """Write what becomes of items; gather what is wrong with some, and the values of label maps."""
    with console.Bar("preparing", len(items)) as bar:
        for item in items:
            bar.advance()
            try:
                for piece in steps.pieces(item):
                    output.add(piece)
                    found.update(int(picture.image.max()) for picture in piece.pictures if picture.is_labels)
            except (DataError, OutputError) as error:  # a disk that is full is an OSError here
                text = str(error)
                faults.append(text if item.name in text else f"{item.files[0]}: {text}")


def _write_dropped(path: Path, dropped: list[Dropped]) -> None:
    with path.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["split", "dropped", "looks like", "of split", "bits"])
        for one in dropped:
            row = (one.item.split or "", one.item.name, one.other.name, one.other.split or "", one.distance)
            writer.writerow(row)


def _report(
    output: Path,
    items: list[Item],
    written: Output,
    fractions: dict[Split, float] | None,
    dropped: list[Dropped] | None,
) -> None:
    """Print how much was written of each split, and what was dropped."""
    noun = "pair" if len(items[0].files) == 2 else "picture"
    rows = [[split or "(one part)", str(count)] for split, count in written.counts.items()]
    click.echo(f"{counted(len(items), noun)} read. Written to {output}:")
    console.print_table(["split", "written"], rows)
    if empty := [name for name, fraction in (fractions or {}).items() if fraction and not written.counts[name]]:
        click.echo(f"Note: nothing falls into {' and '.join(empty)}: there are too few.")
    if dropped is None:
        return
    leaks = sum(one.is_leak for one in dropped)
    click.echo(f"{len(dropped)} dropped that look like others, {leaks} of them across splits: {output / _DROPPED}")
    for one in dropped[:_MOST_NAMED]:
        here, there = (f"{item.split}/" if item.split else "" for item in (one.item, one.other))
        text = f"{here}{one.item.name} looks like {there}{one.other.name} ({one.distance} of 64 bits differ)"
        click.echo(f"  {printable(text)}")
    if len(dropped) > _MOST_NAMED:
        click.echo(f"  and {len(dropped) - _MOST_NAMED} more")


def _recipe(output: Path, written: Output, steps: Steps, *, pairs: bool, shards: bool, classes: int) -> str:
    """Return the lines of a recipe that uses the result."""
    place = "" if "" in written.counts else "{split}/"
    lines = [f'root = "{output.as_posix()}"']
    count = f"classes = {classes}  # label maps have values up to {classes - 1}; see dataset.ignored"
    name = "paired"
    if shards:
        name = "shards"
        lines += [f'labels = "{steps.labels}"', count] if steps.labels in {"source", "target"} else []
    elif steps.join:
        name = "aligned"
    elif not pairs:
        name = "colorization"
    elif steps.labels in {"source", "target"}:
        name = "labels"
        other = "target" if steps.labels == "source" else "source"
        lines += [count, f'label_folder = "{place}{steps.labels}"', f'photo_folder = "{place}{other}"']
        lines += ['direction = "photo_to_labels"'] if steps.labels == "target" else []
    elif not place:
        lines += ['source = "source"', 'target = "target"']
    comment = "  # or edges, inpainting; these make pairs of single pictures" if name == "colorization" else ""
    return "\n".join(["In a recipe:", "", "[dataset]", f'name = "{name}"{comment}', *lines])


def _listing(faults: list[str]) -> str:
    if not faults:
        return ""
    more = [f"and {len(faults) - _MOST_NAMED} more"] if len(faults) > _MOST_NAMED else []
    were = "was" if len(faults) == 1 else "were"
    lines = "\n".join(f"  {line}" for line in [*faults[:_MOST_NAMED], *more])
    return f"{counted(len(faults), 'input')} {were} left out:\n{lines}"
