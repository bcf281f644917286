"""Commands that other packages bring, by entry points of the group `itrans.commands`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from itrans import plugins
from itrans.errors import PluginError, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from itrans.plugins import Origin


def guests() -> dict[str, list[Origin]]:
    """Return where the commands of other packages are from, by name, with nothing imported."""
    return {name: found for (kind, name), found in plugins.installed().by_name.items() if kind == plugins.COMMAND}


def lines_of_guests() -> Iterator[tuple[str, str]]:
    """Yield each of these commands with a line about it: the first of its docstring, read from its source."""
    for name, found in guests().items():
        from itrans.cli.summaries import summary_of  # which few need

        package = " and ".join(f"{origin.distribution} {origin.version}".strip() for origin in found)
        yield name, f"{summary_of(found[0])} ({package})".strip()


def guest(name: str) -> click.Command | None:
    """Return a command of another package; None if there is none of that name.

    Raises:
        PluginError: several packages bring it, or it cannot be used; the package is named.
    """
    found = guests().get(name, [])
    if not found:
        return None
    if len(found) > 1:
        packages = " and ".join(quoted(origin.distribution for origin in found))
        raise PluginError(
            f'The command "{name}" is brought by {packages}: which is meant is not clear. Uninstall one, or set '
            f"{plugins.RESTRICTION} to the packages to look at."
        )
    (origin,) = found
    who = f'The command "{name}" ({origin.distribution} {origin.version})'
    try:
        command = origin.load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # what a module raises on import is anybody's
        from itrans.registry import described

        raise PluginError(f"{who} cannot be imported ({origin.target}):\n{described(error)}") from error
    if not isinstance(command, click.Command):
        raise PluginError(f"{who} is no command: {origin.target} should be a function under @click.command().")
    return command
