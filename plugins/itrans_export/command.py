"""`itrans export`."""

from __future__ import annotations

import re
import shlex
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from itrans.api import ItransError
from itrans.commands import options

if TYPE_CHECKING:
    from itrans_export.exporting import Export

_COLUMNS = 80


class _Size(click.ParamType[tuple[int, int]]):
    """`256`, or `512x256` for width and height."""

    name = "SIZE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        found = re.fullmatch(r"([1-9]\d{0,4})(?:x([1-9]\d{0,4}))?", str(value))
        if found is None:
            self.fail(f'"{value}" is neither a side in pixels, such as 256, nor width and height, such as 512x256.')
        return int(found[2] or found[1]), int(found[1])


@click.command()
@click.argument("checkpoint", type=click.Path())
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder to make; an empty one will do.",
)
@click.option(
    "--to",
    type=click.Choice(["onnx", "pt2", "safetensors"]),
    default="onnx",
    show_default=True,
    help="onnx: for other programs, with a translate.py that needs no itrans. pt2: a program of torch.export. "
    "safetensors: the weights, for itrans and for networks of your own.",
)
@options.mode("paper: batch normalisation uses each picture's own statistics. running: it uses those of the training.")
@click.option(
    "--dropout",
    type=click.Choice(["off", "seeded"]),
    default="off",
    show_default=True,
    help="In mode paper. seeded: the mask that --seed draws is part of the network, which then takes one size only.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of what becomes part of the network."
)
@options.direction
@click.option("--size", type=_Size(), help="Take one size only: 256, or width x height, 512x256.  [default: any]")
@click.option(
    "--pictures",
    type=click.Path(path_type=Path, exists=True),
    metavar="PATH",
    help="Pictures to check outputs on.  [default: held-out pictures of the run's data set]",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    default=0.002,
    show_default=True,
    help="How far an output may be from the checkpoint's: black is 0, white is 1.",
)
@options.method_options
@options.extras
@click.option("--half", is_flag=True, help="Write weights of 16 bits; for safetensors.")
@options.code
def export(
    checkpoint: str,
    output: Path,
    to: str,
    mode: str,
    dropout: str,
    seed: int,
    direction: str | None,
    size: tuple[int, int] | None,
    pictures: Path | None,
    tolerance: float,
    method_options: dict[str, Any],
    extras: dict[str, Any],
    half: bool,
    code: tuple[str, ...],
) -> None:
    """Write a CHECKPOINT for other programs: ONNX, PyTorch's pt2, or safetensors.

    CHECKPOINT is a .pt file or a run's folder. Outputs of the exported network are compared with those of the
    checkpoint; where they differ, nothing is written. `itrans translate DIR/model.onnx` translates with it, and so does
    DIR/translate.py, which needs numpy, OpenCV and ONNX Runtime alone.
    """
    _refuse_options(to, half=half)
    _refuse_file(output)
    options.import_code(code)

    from itrans_export.exporting import export_network, export_weights

    if to == "safetensors":
        done = export_weights(checkpoint, output, half=half)
    else:
        done = export_network(
            checkpoint,
            output,
            to=to,  # type: ignore[arg-type]
            mode=mode,  # type: ignore[arg-type]
            dropout=dropout,  # type: ignore[arg-type]
            seed=seed,
            direction=direction,
            size=size,
            pictures=pictures,
            tolerance=tolerance,
            options=method_options,
            extras=extras,
        )
    _print(done, checkpoint, output, to, half=half)


def _refuse_options(to: str, *, half: bool) -> None:
    if half and to != "safetensors":
        raise ItransError(f"--half is for --to safetensors: {to} computes in fp32.")
    if to != "safetensors":
        return
    context = click.get_current_context()
    names = {name: name for name in ("mode", "dropout", "seed", "direction", "size", "pictures", "tolerance")}
    for parameter, name in (names | {"method_options": "option", "extras": "with"}).items():
        if context.get_parameter_source(parameter) != click.core.ParameterSource.DEFAULT:
            raise ItransError(f"--{name} is for --to onnx and pt2: safetensors are the weights, of all generators.")


def _refuse_file(output: Path) -> None:
    if output.suffix.lower() in {".onnx", ".pt", ".pt2", ".safetensors"}:
        raise ItransError(
            f"-o {output}: this is the folder to make, in which files have names of their own. Leave out "
            f"{output.suffix}: -o {output.with_suffix('')}"
        )


def _print(done: Export, checkpoint: str, output: Path, to: str, *, half: bool) -> None:
    said = done.description
    if done.checkpoint != Path(checkpoint):
        click.echo(f"From the run's folder {checkpoint}, {done.checkpoint} is exported.", err=True)
    if said.sample is not None:
        click.echo(f"This checkpoint was trained on sample data. {said.sample}", err=True)
    click.echo(f"Written to {output}: " + ", ".join(f"{name} ({_bytes(size)})" for name, size in done.sizes.items()))
    if to == "safetensors":
        _row("weights", f"of {', '.join(done.networks)}, fp16" if half else f"of {', '.join(done.networks)}")
        _row("title", said.title)
        click.echo(f"Use it: itrans translate {shlex.quote(str(output))} PICTURES... -o OUT")
        return
    _row("takes", f"{_kind(said.source)}, {_sizes(done)}")
    _row("makes", _kind(said.target))
    how = "each picture by its own statistics" if said.mode == "paper" else "statistics gathered in training"
    _row("mode", f"{said.mode} ({how}); dropout {said.dropout if done.has_dropout else 'none'}" + _noise(done))
    if said.fixed:
        _row("with", f"{said.fixed}: part of the network")
    _row(
        "checked",
        f"outputs differ from the checkpoint's by at most {_number(done.difference)} (black is 0, white 1), on "
        f"{done.pictures}",
    )
    if done.has_dropout and said.mode == "paper" and said.dropout == "off":
        _row(
            "note",
            "itrans translate keeps dropout on in mode paper, so its outputs differ. --dropout seeded exports one "
            "mask, for one size; --mode running has none in either.",
        )
    if done.preparation:
        _row("note", f"pictures are taken as they are; in training, {done.preparation}")
    if to == "pt2":
        noise = ", noise" if said.noise else ""
        click.echo(f'Use it: torch.export.load("{output / "model.pt2"}").module()(planes{noise})')
        return
    if "translate.py" in done.sizes:
        click.echo(f"Use it: python {shlex.quote(str(output / 'translate.py'))} PICTURES... -o OUT")
    else:
        _row("note", "no translate.py: OpenCV alone does not read and write such pictures")
    click.echo(f"    or: itrans translate {shlex.quote(str(output / 'model.onnx'))} PICTURES... -o OUT")


def _number(difference: float | None) -> str:
    return f"{difference:.1e}" if difference else "0"


def _row(label: str, text: str) -> None:
    indent = f"  {label:<9}"
    for line in textwrap.wrap(text, _COLUMNS - len(indent), break_long_words=False, break_on_hyphens=False):
        click.echo(indent + line)
        indent = " " * len(indent)


def _kind(spec: Any) -> str:
    if spec.kind == "labels":
        return f"label maps of {spec.planes} classes"
    names = {
        "image": {1: "grey pictures", 3: "RGB pictures", 4: "RGBA pictures"},
        "lightness": {1: "grey or RGB pictures"},
    }
    found = names.get(spec.kind, {}).get(spec.channels, f"{spec.kind} of {spec.channels} channels")
    return found if spec.kind != "ab" else "RGB pictures"


def _sizes(done: Export) -> str:
    said = done.description
    count = "any number at once" if said.any_batch else "one at a time"
    if said.size is None:
        padded = f" (padded to multiples of {said.size_multiple})" if said.size_multiple > 1 else ""
        return f"any height and width{padded}, {count}"
    height, width = said.size
    return f"{width}x{height} only, {count}" + (f" ({done.reason})" if done.reason else "")


def _noise(done: Export) -> str:
    count = len(done.description.noise)
    return f"; noise is {'an input' if count == 1 else f'{count} inputs'}" if count else ""


def _bytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"
