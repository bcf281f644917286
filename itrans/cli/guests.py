"""Commands that are no part of the core: guests, found by entry points of the group `itrans.commands`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from itrans import plugins
from itrans.errors import PluginError, quoted

if TYPE_CHECKING:
    from collections.abc import Container

    from itrans.plugins import Origin


def guests() -> dict[str, list[Origin]]:
    """Return where the commands that are no part of the core are from, by name, with nothing imported.

    A name that one of our own packages has is theirs, whatever else is installed.
    """
    found = {name: found for (kind, name), found in plugins.installed().by_name.items() if kind == plugins.COMMAND}
    return {name: _ours(origins) or origins for name, origins in found.items()}


def lines_of_guests(taken: Container[str]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return our own guests and those of other packages, each a command with a line about it.

    The line is the first of the command's docstring, read from its source. A name that is taken is left out.
    """
    from itrans.cli.summaries import summary_of  # which few need

    ours, theirs = [], []
    for name, origins in guests().items():
        line = summary_of(origins[0])
        if name in taken:
            continue
        if _ours(origins):
            ours.append((name, line))
        else:
            packages = " and ".join(f"{origin.distribution} {origin.version}".strip() for origin in origins)
            theirs.append((name, f"{line} ({packages})".strip()))
    return ours, theirs


def _ours(origins: list[Origin]) -> list[Origin]:
    return [origin for origin in origins if origin.distribution == plugins.OURS]


def guest(name: str) -> click.Command | None:
    """Return a command that is no part of the core; None if there is none of that name.

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
        from itrans.errors import error_text

        raise PluginError(f"{who} cannot be imported ({origin.target}):\n{error_text(error)}") from error
    if not isinstance(command, click.Command):
        raise PluginError(f"{who} is no command: {origin.target} should be a function under @click.command().")
    return command
