"""`itrans list-plugins`."""

from __future__ import annotations

import json

import click

from itrans import plugins
from itrans.cli.console import print_table
from itrans.errors import PluginError
from itrans.registry import REGISTRIES


@click.command("list-plugins")
@click.argument("kind", required=False, type=click.Choice(list(REGISTRIES)))
@click.option("--check", is_flag=True, help="Import each, and report the broken ones; exit 2 if any.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list of objects instead of a table.")
def list_plugins(kind: str | None, check: bool, as_json: bool) -> None:
    """Show the installed components: kind, name, distribution, version, object.

    Nothing is imported without --check. KIND shows components of one kind only.
    """
    rows, broken = [], 0
    for registry in REGISTRIES.values():
        if kind not in {None, registry.kind}:
            continue
        for origin in registry.origins():
            row = {
                "kind": origin.kind,
                "name": origin.name,
                "distribution": origin.distribution,
                "version": origin.version,
                "object": origin.target,
            }
            if check:
                try:
                    registry.get(origin.qualified)
                    row["status"] = "ok"
                except PluginError as error:
                    row["status"] = f"broken: {str(error).splitlines()[-1]}"
                    broken += 1
            rows.append(row)
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    elif rows:
        print_table(list(rows[0]), [list(row.values()) for row in rows])
    else:
        click.echo("Nothing is installed.")
    unreadable = plugins.installed().unreadable
    for note in unreadable:
        click.echo(f"Warning: {note}", err=True)
    if check and (broken or unreadable):
        raise PluginError(
            f"Broken: {broken} of {len(rows)} components, {len(unreadable)} unreadable packages; see above."
        )
