"""The command `itrans`. Every command is imported only when it is called."""

from __future__ import annotations

import errno
import importlib
import io
import os
import re
import sys
from typing import Any

import click

from itrans import __version__
from itrans.cli.console import INTERRUPTED
from itrans.cores import prepare_threads
from itrans.errors import ItransError, legible

_NOTHING = re.compile("--[a-z-]+=")
_EMPTY = "''"
_OF_DISKS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}

_COMMANDS = {
    "run": ("itrans.cli.run:run", "Train what a recipe describes."),
    "list-plugins": ("itrans.cli.list_plugins:list_plugins", "Show the installed components and where they come from."),
    "translate": ("itrans.cli.translate:translate", "Translate pictures with a checkpoint."),
}
"""Where each command is, and the line about it: so that the list of commands needs none of them."""


class _LazyGroup(click.Group):
    """A group that imports a command when it is called, and that turns errors into messages and exit codes."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        never_fail_to_print()
        prepare_threads()
        given = args[: args.index("--")] if "--" in args else args  # what follows is meant as it is
        if empty := next((place for place, text in enumerate(given, 1) if not text or _NOTHING.fullmatch(text)), 0):
            remedy = "Choose a folder, such as -o runs/mine." if given[empty - 2] in {"-o", "--output"} else ""
            context.fail(f"An argument is empty{_place(given, empty)}. Is a variable unset? {remedy}".rstrip())
        if wrong := next((place for place, text in enumerate(args, 1) if "\0" in text), 0):
            context.fail(f"An argument has a NUL in it, which no path and no value can have{_place(args, wrong)}.")
        return super().parse_args(context, args)

    def list_commands(self, _context: click.Context) -> list[str]:
        from itrans.cli.guests import guests

        return [*_COMMANDS, *(name for name in guests() if name not in _COMMANDS)]

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            from itrans.cli.guests import guest

            return guest(name)
        module, _, attribute = _COMMANDS[name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        from itrans.cli.guests import lines_of_guests

        ours, theirs = lines_of_guests(_COMMANDS)
        with formatter.section("Commands"):
            formatter.write_dl([*((name, line) for name, (_, line) in _COMMANDS.items()), *ours])
        if theirs:
            with formatter.section("Commands of other packages"):
                formatter.write_dl(theirs)

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from itrans.errors import did_you_mean

        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            known = self.list_commands(context)
            if args[0] not in known:
                context.fail(f'There is no command "{args[0]}".{did_you_mean(args[0], known)}')
        return super().resolve_command(context, args)

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except (Exception, KeyboardInterrupt) as error:
            found = _message_of(error)
            if found is None or context.params["debug"]:
                raise
            click.echo(found[0], err=True)
            context.exit(found[1])


def _message_of(error: BaseException) -> tuple[str, int] | None:
    """Return what is said of an error, and the exit code; None for those that get a traceback, and for click's own."""
    if isinstance(error, KeyboardInterrupt):
        return "Interrupted.", INTERRUPTED
    if isinstance(error, ItransError):
        return f"Error: {legible(str(error))}", error.exit_code
    from itrans.metadata import metadata_fault

    message = metadata_fault(error) or _of_a_path(error)
    return None if message is None else (f"Error: {legible(message)}", ItransError.exit_code)


def _place(args: list[str], place: int) -> str:
    """Return which argument of the command line is meant; places are counted from 1."""
    return f", number {place} of: itrans {legible(' '.join(argument or _EMPTY for argument in args[:place]))}"


def _of_a_path(error: BaseException) -> str | None:
    """Return a message about a path that the system refuses; None if the error is of another kind."""
    if not isinstance(error, OSError):
        if not isinstance(error, ValueError | RuntimeError):
            return None
        if "embedded null" in str(error):
            return "A path has a NUL in it, which none can have."
        return f"{error}." if str(error).startswith("Symlink loop") else None  # Path.resolve() until Python 3.13
    if error.filename is None:
        return f"{error.strerror}." if error.errno in _OF_DISKS else None
    reason = error.strerror or type(error).__name__
    return f"{os.fsdecode(error.filename)}: {reason[0].lower()}{reason[1:]}."


def never_fail_to_print() -> None:
    """Let standard output show escapes for characters that it has no code for, such as bytes that are no UTF-8."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="itrans", message="itrans %(version)s")
@click.option("--debug", is_flag=True, envvar="ITRANS_DEBUG", help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Image-to-image translation in which every component is a plugin.

    \b
    itrans run recipes/pix2pix_edges2shoes.toml    from a recipe to a trained checkpoint
    itrans translate CHECKPOINT pictures/ -o out/  new pictures with it
    itrans list-plugins                            what is installed
    """  # noqa: D301  # click wants the control character
    if debug:
        click.echo(f"itrans {__version__}, Python {sys.version.split()[0]}", err=True)


def main() -> None:
    """Run the command line."""
    # Reports of third-party libraries that a user cannot act on; set to "1" by the user, it stays.
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    try:
        cli(prog_name="itrans")
    except SystemExit as done:
        if os.environ.get("WORLD_SIZE", "1") != "1":
            _leave_at_once(done.code)
        raise


def _leave_at_once(code: int | str | None) -> None:
    """End one of several processes: threads of the process group may abort it while the interpreter shuts down."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))
