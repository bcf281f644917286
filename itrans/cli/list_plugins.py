"""`itrans list-plugins`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from itrans import plugins
from itrans.cli.console import print_table
from itrans.errors import PluginError, counted, quoted
from itrans.registry import REGISTRIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itrans.plugins import Origin

_MOST_NOTES, _MOST_NAMED = 50, 5


@click.command("list-plugins")
@click.argument("kind", required=False, metavar="[KIND]", type=click.Choice(list(REGISTRIES)))
@click.option("--long", is_flag=True, help="Add a line about each, from its docstring.")
@click.option("--check", is_flag=True, help="Import and check each; exit 2 if any is faulty.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long --check waits for one import.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list of objects instead of a table.")
def list_plugins(kind: str | None, long: bool, check: bool, timeout: float, as_json: bool) -> None:
    """Show the installed components: kind, name, distribution, version, object.

    KIND shows components of one kind only. Nothing is imported without --check, which imports in another process.

    \b
    The columns, which are the keys of --json too:
      kind          generator, discriminator, loss, dataset, method,
                    transform, metric, tracker, page
      name          what a recipe calls it
      distribution  what pip calls the package that brings it
      version       of the distribution
      object        module:attribute
      status        with --check: ok, or broken, shadowed (another package
                    has a module of that name), faulty or not tried, and why
      summary       with --long: the first line of its docstring
    In a pipe, columns have two or more spaces between them, and a dash marks
    an empty one.

    If the environment variable ITRANS_PLUGINS is set, all commands use only
    itrans and the distributions that it names, with commas between them.
    If it is empty, they use itrans alone.
    """  # noqa: D301  # click wants the control character
    origins = [
        origin for registry in REGISTRIES.values() if kind in {None, registry.kind} for origin in registry.origins()
    ]
    rows = [
        {
            "kind": origin.kind,
            "name": origin.name,
            "distribution": origin.distribution,
            "version": origin.version,
            "object": origin.target,
        }
        for origin in origins
    ]
    bad = 0
    if check:
        from itrans.testing.check_plugins import OK, statuses

        found = statuses(origins, timeout)
        bad = sum(found[origin] != OK for origin in origins)
        for row, origin in zip(rows, origins, strict=True):
            row["status"] = found[origin]
    if long:
        from itrans.cli.guests import summary_of

        for row, origin in zip(rows, origins, strict=True):
            row["summary"] = summary_of(origin)
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    elif rows:
        print_table(list(rows[0]), [list(row.values()) for row in rows])
    else:
        click.echo("Nothing is installed.")
    installed = plugins.installed()
    notes = [*installed.unreadable, *installed.missing]
    if check:
        notes += [*installed.doubtful, *_ambiguities(origins)]
    for note in notes[:_MOST_NOTES]:
        click.echo(f"Warning: {note}", err=True)
    if len(notes) > _MOST_NOTES:
        click.echo(f"Warning: and {len(notes) - _MOST_NOTES} more of this kind.", err=True)
    if check and (bad or installed.unreadable):
        packages = {origin.distribution for origin in origins if found[origin] != OK}
        raise PluginError(
            f"Broken: {bad} of {len(rows)} components{f', of {_list(sorted(packages))}' if bad else ''}; unreadable: "
            f"{counted(len(installed.unreadable), 'package')}; see above."
        )


def _ambiguities(origins: Sequence[Origin]) -> list[str]:
    """Return a sentence about each name that several packages bring."""
    alike: dict[tuple[str, str], list[Origin]] = {}
    for origin in origins:
        alike.setdefault((origin.kind, origin.name), []).append(origin)
    return [
        f'The {kind} "{name}" is brought by {_list([o.distribution for o in several])}: a recipe has to say which, '
        f"such as {quoted([several[0].qualified])[0]}."
        for (kind, name), several in alike.items()
        if len(several) > 1
    ]


def _list(packages: Sequence[str]) -> str:
    more = f" and {len(packages) - _MOST_NAMED} more" if len(packages) > _MOST_NAMED else ""
    return ", ".join(packages[:_MOST_NAMED]) + more
