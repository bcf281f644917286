"""`itrans new-plugin`."""

from __future__ import annotations

from typing import Any

import click

from itrans.api import REGISTRIES


class _KindAndName(click.ParamType[tuple[str, str | None]]):
    """A kind of component, and after an equals sign what recipes are to call it."""

    name = "kind"
    kinds = click.Choice(list(REGISTRIES))

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str | None]:
        kind, equals, name = str(value).partition("=")
        return self.kinds.convert(kind, param, ctx), name if equals else None

    def get_missing_message(self, *_: object, **__: object) -> str:
        return f"Choose from: {', '.join(REGISTRIES)}."


@click.command("new-plugin")
@click.argument("name")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    required=True,
    type=_KindAndName(),
    metavar=f"[{'|'.join(REGISTRIES)}][=NAME]",
    help="What the package brings, and what recipes call it; may be repeated.",
)
def new_plugin(name: str, kinds: tuple[tuple[str, str | None], ...]) -> None:
    """Write a complete plugin package into the folder NAME.

    NAME is the package's name, such as itrans-sketch or sketch. Recipes call its components "sketch", or what
    follows the equals sign: --kind loss=huber. The package works as written: it has a documented module for each
    component, a test, a recipe that trains for about a minute, a README, and the entry points by which itrans finds it.

    \b
    itrans new-plugin itrans-sketch --kind generator
    itrans new-plugin itrans-sketch --kind generator=pencil --kind loss=huber
    """  # noqa: D301  # click wants the control character
    from itrans_scaffold.package import write_package

    names, parts = write_package(name, kinds)
    if names.distribution != name:
        click.echo(f"pip will know it as {names.distribution}: names of packages are compared in that form.", err=True)
    by_name: dict[str, list[str]] = {}
    asked = [kind for kind, _ in kinds]
    for part in sorted(parts, key=lambda part: asked.index(part.kind)):
        by_name.setdefault(part.name, []).append(part.kind)
    written = ", ".join(f'{", ".join(some)} "{component}"' for component, some in by_name.items())
    click.echo(f"Wrote {name}: {written}, in {name}/{names.module}.")
    click.echo("Next:")
    click.echo(f"  pip install -e {name}")
    click.echo("  itrans list-plugins --check")
    click.echo(f"  itrans run {name}/recipe.toml")
