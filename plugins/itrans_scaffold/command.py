"""`itrans new-plugin`."""

from __future__ import annotations

import click

from itrans.api import REGISTRIES


@click.command("new-plugin")
@click.argument("name")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    required=True,
    type=click.Choice(list(REGISTRIES)),
    help="What the package brings; several times for several.",
)
def new_plugin(name: str, kinds: tuple[str, ...]) -> None:
    """Write a complete plugin package into the folder NAME.

    NAME is the package's name, such as itrans-sketch or sketch; recipes call its components "sketch". The package works
    as written: it has a documented module for each kind, a test, a recipe that trains for about a minute, a README, and
    the entry points by which itrans finds it.

    \b
    itrans new-plugin itrans-sketch --kind generator
    itrans new-plugin itrans-sketch --kind loss --kind dataset
    """  # noqa: D301  # click wants the control character
    from itrans_scaffold.package import write_package

    names = write_package(name, kinds)
    if names.distribution != name:
        click.echo(f"pip will know it as {names.distribution}: names of packages are compared in that form.", err=True)
    click.echo(f'Wrote {name}: {", ".join(dict.fromkeys(kinds))} "{names.component}", in {name}/{names.module}.')
    click.echo("Next:")
    click.echo(f"  pip install -e {name}")
    click.echo("  itrans list-plugins --check")
    click.echo(f"  itrans run {name}/recipe.toml")
