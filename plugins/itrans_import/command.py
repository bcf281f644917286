"""`itrans import`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from itrans.api import OutputError
from itrans.commands import options

if TYPE_CHECKING:
    from itrans_import.imported import ImportedNetwork


@click.command("import")
@click.argument("weights", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), metavar="FILE", help="The checkpoint to write."
)
@click.option(
    "--discriminator-weights",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Import the discriminator's weights as well.",
)
@click.option(
    "--generator", metavar="NAME", help="Which generator they are for.  [default: the one that recognises them]"
)
@click.option("--discriminator", metavar="NAME", help="The same for the discriminator's weights.")
@options.overrides("Change the recipe in the checkpoint, for example generator.dropout=0.")
@click.option("--force", is_flag=True, help="Replace an existing file.")
@options.code
def import_weights(
    weights: Path,
    output: Path,
    discriminator_weights: Path | None,
    generator: str | None,
    discriminator: str | None,
    overrides: tuple[str, ...],
    force: bool,
    code: tuple[str, ...],
) -> None:
    """Make a checkpoint from a generator's weights, such as latest_net_G.pth of pytorch-CycleGAN-and-pix2pix.

    The network's depth, width, norm and channels are read from the weights. The checkpoint is for translating; training
    cannot continue from it.
    """
    _refuse_output(output, [weights, *([discriminator_weights] if discriminator_weights else [])], force=force)
    if discriminator and discriminator_weights is None:
        raise click.UsageError("--discriminator says whose --discriminator-weights are: give those too.")
    options.import_code(code)

    from itrans.commands import save_checkpoint
    from itrans_import.imported import import_networks

    checkpoint, networks = import_networks(
        weights,
        discriminator_weights,
        generator_name=generator,
        discriminator_name=discriminator,
        overrides=overrides,
    )
    save_checkpoint(output, checkpoint)
    for network in networks:
        click.echo(_summary(network, checkpoint.recipe[network.kind]))
    decided = {assignment.partition("=")[0].strip() for assignment in overrides}
    for network in networks:
        for argument, sentence in network.found.assumed.items():
            if (key := f"{network.kind}.{argument}") not in decided:
                click.echo(f"{sentence} To change it: --set {key}=VALUE --force")
    click.echo(f"Written to {output}. Translate with it: itrans translate {shlex.quote(str(output))} PICTURES -o DIR")


def _refuse_output(output: Path, inputs: list[Path], *, force: bool) -> None:
    """Raise `OutputError` if there is something in the place of the output that has to stay."""
    if not output.exists():
        return
    if output.is_dir():
        raise OutputError(f"{output} is a folder; -o names the file to write, such as {output / 'imported.pt'}.")
    if any(path.exists() and path.samefile(output) for path in inputs):
        raise OutputError(f"{output} would be written over the weights that it is made from. Choose another name.")
    if not force:
        raise OutputError(f"{output} already exists. Choose another name, or replace it with --force.")


def _summary(network: ImportedNetwork, table: dict[str, object]) -> str:
    """Return one line about a network: its arguments as the recipe has them, its channels and its size."""
    arguments = ", ".join(f"{key} {table[key]}" for key in network.found.arguments)
    channels = f"{network.found.in_channels} -> {network.found.out_channels} channels"
    return f"{network.kind} {network.name}: {arguments}; {channels}; {network.parameters:,} parameters"
