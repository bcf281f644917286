"""`itrans inspect`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from itrans.api import ItransError, counted
from itrans.commands import console, options

if TYPE_CHECKING:
    from itrans_inspect.fields import Field
    from itrans_inspect.report import Inspected
    from itrans_inspect.subject import Subject


class _Channels(click.ParamType[tuple[int, int]]):
    """`3,1`: channels of the source and of the target."""

    name = "IN,OUT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        parts = str(value).split(",")
        if len(parts) != 2 or not all(part.strip().isdecimal() and int(part) for part in parts):
            self.fail(f'"{value}" is not two numbers with a comma between them, such as 3,1.')
        return int(parts[0]), int(parts[1])


@click.command()
@click.argument("recipe_or_checkpoint", type=click.Path())
@click.option("--size", type=click.IntRange(min=1), help="Height and width of the pictures.  [default: the recipe's]")
@click.option("--channels", type=_Channels(), help="Channels of source and target.  [default: the data set's]")
@click.option("--layers", is_flag=True, help="Show every layer.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
@click.option("--diagram", type=click.Path(), metavar="FILE", help="Draw the first generator: a .svg or .png file.")
@click.option(
    "--receptive-field",
    type=click.Path(),
    metavar="FILE",
    help="Draw what a logit of the first discriminator sees on a picture of the data set, or on a test card: a .png "
    "file.",
)
@click.option("--network", metavar="NAME", help="Draw this generator or discriminator instead of the first one.")
@click.option(
    "--explain",
    "names",
    multiple=True,
    metavar="PICTURE",
    help="Follow a picture through the networks of a checkpoint, as a page: levels, skip connections, logits, a "
    "gradient. PICTURE is a file, or the key of a held-out pair.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="DIR", help="Where --explain's pages go.")
@click.option(
    "--target",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="With --explain: the target of a PICTURE that is a file.",
)
@options.mode("With --explain: as for itrans translate.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="With --explain: seed of dropout and noise.",
)
@options.direction
@options.method_options
@options.extras
@click.option("--force", is_flag=True, help="With --explain: replace pages that are there.")
@options.overrides("Override a key: --set generator.depth=7")
@options.without
@options.sample
@options.code
def inspect(
    recipe_or_checkpoint: str,
    size: int | None,
    channels: tuple[int, int] | None,
    layers: bool,
    as_json: bool,
    diagram: str | None,
    receptive_field: str | None,
    network: str | None,
    names: tuple[str, ...],
    output: Path | None,
    target: Path | None,
    mode: str,
    seed: int,
    direction: str | None,
    method_options: dict[str, Any],
    extras: dict[str, Any],
    force: bool,
    overrides: tuple[str, ...],
    without: tuple[str, ...],
    sample: bool | None,
    code: tuple[str, ...],
) -> None:
    """Show the networks of a recipe or a checkpoint: layers, parameters, multiply-adds and receptive fields.

    Nothing is trained and no weights are downloaded. Channels are those of the data set; if it is missing, 3 in and
    out. With --explain, a checkpoint's weights are used: a page shows what the networks make of one picture.
    """
    from itrans_inspect.figures import checked_path, networks_to_draw, write_diagram, write_patches
    from itrans_inspect.report import as_data, inspect_networks
    from itrans_inspect.subject import load_subject

    _refuse_without_explain(names, output, channels)
    paths: dict[str, Path] = {}
    if diagram:
        paths["--diagram"] = checked_path("--diagram", diagram, (".svg", ".png"))
    if receptive_field:
        paths["--receptive-field"] = checked_path("--receptive-field", receptive_field, (".png",))
    options.import_code(code)
    subject = load_subject(
        recipe_or_checkpoint,
        overrides=overrides,
        without=without,
        sample=sample,
        channels=channels,
        with_dataset=receptive_field is not None,
    )
    size = size or subject.size
    networks = inspect_networks(subject, size)
    drawn = networks_to_draw(networks, list(paths), network)
    if "--diagram" in paths:
        write_diagram(paths["--diagram"], drawn["--diagram"])
    if "--receptive-field" in paths:
        write_patches(paths["--receptive-field"], drawn["--receptive-field"], subject)
    pages: dict[Path, dict[str, Any]] = {}
    if names and output is not None:
        from itrans_inspect.explaining.explain import Request, write_pages

        request = Request(names, output, target, mode, seed, direction, method_options, extras, force)
        pages = write_pages(request, subject, networks)
    if as_json:
        explained = {"explained": {str(page): numbers for page, numbers in pages.items()}} if pages else {}
        click.echo(json.dumps(as_data(subject, networks) | explained, indent=2))
        return
    _print(subject, networks, size, with_layers=layers)
    for option, path in paths.items():
        name, kind = drawn[option].traced.network.name, drawn[option].traced.network.kind
        is_only = sum(entry.traced.network.kind == kind for entry in networks) == 1
        click.echo(f"Drawn: {path}" + ("" if is_only else f" ({name}; --network NAME draws another)"))
    for page, numbers in pages.items():
        from itrans_inspect.explaining.explain import summary

        click.echo("\n" + "\n".join(summary(numbers)))
        click.echo(f"Written to {page}")


_OF_EXPLAIN = {
    "output": "-o",
    "target": "--target",
    "mode": "--mode",
    "seed": "--seed",
    "direction": "--direction",
    "method_options": "--option",
    "extras": "--with",
    "force": "--force",
}


def _refuse_without_explain(names: tuple[str, ...], output: Path | None, channels: object) -> None:
    """Raise `ItransError` if options do not go together."""
    context = click.get_current_context()
    given = [option for name, option in _OF_EXPLAIN.items()
             if context.get_parameter_source(name) != click.core.ParameterSource.DEFAULT]  # fmt: skip
    if given and not names:
        raise ItransError(f"{given[0]} goes with --explain PICTURE.")
    if names and output is None:
        raise ItransError("--explain needs a folder for its pages: -o DIR.")
    if names and channels is not None:
        raise ItransError("--channels does not go with --explain: a checkpoint has its own.")


def _print(subject: Subject, networks: list[Inspected], size: int, *, with_layers: bool) -> None:
    from itrans_inspect.layers import COUNTED

    click.echo(f"{subject.title}: {subject.source.planes} -> {counted(subject.target.planes, 'channel')}")
    padded = [
        f"{entry.traced.network.name} gets pictures of {own}x{own} padded to {entry.traced.size}x"
        f"{entry.traced.size}; its layers and multiply-adds are of that size."
        for entry in networks
        if entry.traced.size != (own := entry.traced.network.size_for(size))
    ]
    for note in [*subject.notes, *padded]:
        click.echo(f"Note: {note}", err=True)
    click.echo()
    rows = []
    for entry in networks:
        passed, network = entry.traced, entry.traced.network
        # The source comes first in what a discriminator sees, as it is what the picture is judged by.
        seen = f"{network.condition_channels}+{network.in_channels}" if network.condition_channels else (
            str(network.in_channels))  # fmt: skip
        own = network.size_for(size)
        given = f"{seen}x{own}x{own}" if network.kind else ""
        whole, cut = network.size_of_output(passed.size), network.size_of_output(own)  # without the margin
        outputs = ", ".join(
            _shape((*shape[:1], *(cut if side == whole else side for side in shape[1:]))) for shape in passed.outputs
        )
        kind = type(network.module).__name__
        rows.append([network.name, kind, given, outputs, f"{passed.parameters:,}", f"{passed.multiply_adds:,}"])
    total = f"{sum(entry.traced.parameters for entry in networks):,}"
    rows.append(["all", "", "", "", total, f"{sum(entry.traced.multiply_adds for entry in networks):,}"])
    console.print_table(["network", "type", "input", "output", "parameters", "multiply-adds"], rows)
    if with_layers:
        for entry in networks:
            _print_layers(entry)
    judges = [entry for entry in networks if entry.fields]
    while judges:
        alike = [entry for entry in judges if (entry.fields, entry.depths) == (judges[0].fields, judges[0].depths)]
        judges = [entry for entry in judges if entry not in alike]
        _print_fields(", ".join(entry.traced.network.name for entry in alike), alike[0])
    click.echo()
    click.echo(COUNTED)


def _print_layers(entry: Inspected) -> None:
    click.echo(f"\n{entry.traced.network.name}, layer by layer")
    rows = [
        [
            layer.path,
            layer.kind + (f" (called {layer.calls} times)" if layer.calls > 1 else ""),
            _shape(layer.shape) if layer.shape is not None else "",
            f"{layer.parameters:,}",
            f"{layer.multiply_adds:,}",
        ]
        for layer in entry.traced.layers
    ]
    console.print_table(["layer", "type", "output", "parameters", "multiply-adds"], rows)


def _print_fields(name: str, entry: Inspected) -> None:
    size = entry.traced.size
    click.echo()
    for field in entry.fields:
        click.echo(f"{name}: each of {field.logits}x{field.logits} logits {_field_phrase(field)}")
    if entry.depths:
        click.echo(f"\n{name} by the number of its stride-2 layers, for pictures of {size}x{size}")
        rows = [
            [
                str(depth.layers),
                str(depth.receptive_field),
                f"{depth.logits}x{depth.logits}" if depth.logits else "too small a picture",
                f"{depth.parameters:,}",
                "<- in use" if depth.in_use else "",
            ]
            for depth in entry.depths
        ]
        console.print_table(["layers", "receptive field", "logits", "parameters", "this one"], rows)


def _field_phrase(field: Field) -> str:
    how = "measured by gradients" if field.is_measured else "worked out from its convolutions"
    if field.width is None:
        return f"sees the whole picture ({how})"
    return f"sees {field.width}x{field.width} pixels ({how}); neighbours are {field.spacing:g} pixels apart"


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
