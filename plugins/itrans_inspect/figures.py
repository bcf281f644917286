"""The files that a network is drawn to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from itrans.api import ItransError, OutputError, did_you_mean, write_image
from itrans.commands import replacing
from itrans_inspect.drawing import Drawing, svg
from itrans_inspect.flow import flow_of
from itrans_inspect.layout import layout
from itrans_inspect.patches import patch_picture, sample_picture
from itrans_inspect.raster import pixels
from itrans_inspect.stages import structure_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itrans_inspect.report import Inspected
    from itrans_inspect.subject import Subject


DRAWS = {"--diagram": "generator", "--receptive-field": "discriminator"}
"""The kind of network that each option draws."""


def networks_to_draw(
    networks: Sequence[Inspected], options: Sequence[str], name: str | None = None
) -> dict[str, Inspected]:
    """Return the network that each option draws, by the option: the one of that name, or else the first of its kind.

    Args:
        networks: all that there are.
        options: some of `DRAWS`.
        name: what the method calls one of them.

    Raises:
        ItransError: there is none of that kind or of that name, or none of the options draws it.
    """
    kinds = {entry.traced.network.name: entry.traced.network.kind for entry in networks}
    if name is not None and name not in kinds:
        raise ItransError(
            f"--network {name}: there is no such network.{did_you_mean(name, kinds)} There are: {', '.join(kinds)}."
        )
    if name is not None and kinds[name] not in {DRAWS[option] for option in options}:
        drawing = " and ".join(f"{option} draws a {kind}" for option, kind in DRAWS.items())
        what = f"a {kinds[name]}" if kinds[name] else "neither"
        raise ItransError(f"--network {name} is for what is drawn: {drawing}; this is {what}.")
    found: dict[str, Inspected] = {}
    for option in options:
        alike = [entry for entry in networks if entry.traced.network.kind == DRAWS[option]]
        if not alike:
            raise ItransError(f"{option} draws a {DRAWS[option]}, and there is none here.")
        found[option] = next((entry for entry in alike if entry.traced.network.name == name), alike[0])
    return found


def diagram(entry: Inspected) -> Drawing:
    """Return the figure of a generator.

    Raises:
        PluginError: it has no layers to draw.
    """
    passed = entry.traced
    structure = structure_of(flow_of(passed.network, passed.size), passed.layers)
    kind = type(passed.network.module).__name__
    return layout(structure, f"{passed.network.name} ({kind}): {passed.parameters:,} parameters")


def write_diagram(path: Path, entry: Inspected) -> None:
    """Write the figure of a generator, as SVG or PNG by the file's suffix.

    Raises:
        OutputError: the file cannot be written.
    """
    drawing = diagram(entry)
    if path.suffix.lower() == ".svg":
        with replacing(path) as file:
            file.write(svg(drawing).encode())
    else:
        write_image(path, pixels(drawing))


def write_patches(path: Path, entry: Inspected, subject: Subject) -> None:
    """Write what a discriminator's logits see, drawn on a target of the data set or on a test card.

    Raises:
        OutputError: the file cannot be written.
        DataError: the data set's first picture cannot be read.
    """
    attribution = str(getattr(subject.dataset, "attribution", ""))
    write_image(path, patch_picture(sample_picture(subject.dataset, entry.traced.size), entry.fields, attribution))


def checked_path(option: str, path: str, suffixes: tuple[str, ...]) -> Path:
    """Return a path that ends as it should.

    Raises:
        OutputError: it does not, or is a folder.
    """
    checked = Path(path)
    if checked.suffix.lower() not in suffixes:
        raise OutputError(f"{option} {path}: the name should end in {' or '.join(suffixes)}.")
    if checked.is_dir():
        raise OutputError(f"{option} {path} is a folder: give the name of a file.")
    return checked
