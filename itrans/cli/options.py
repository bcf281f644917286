"""Options that several commands have, each a decorator: one name, one help text, one meaning."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_Command = TypeVar("_Command", bound="Callable[..., Any]")
_MOST_NAMED = 20


def recipe(command: _Command) -> _Command:
    """Add the argument RECIPE; where none is given, the error says which there are here."""
    return click.argument("recipe", type=click.Path(), metavar="RECIPE", callback=_require, required=False)(command)


def overrides(text: str = "Override a key: --set train.epochs=2") -> Callable[[_Command], _Command]:
    """Add the option `--set`, with a help text; its value, `overrides`, is a tuple of texts."""
    return click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help=text)


def without(command: _Command) -> _Command:
    """Add the option `--without`, whose value is a tuple of names."""
    return click.option(
        "--without",
        multiple=True,
        metavar="TABLE",
        callback=lambda _context, _parameter, values: tuple(
            name.strip() for value in values for name in value.split(",") if name.strip()
        ),
        help="Leave a table out, or several with commas: --without discriminator",
    )(command)


def sample(command: _Command) -> _Command:
    """Add the option `--sample / --no-sample`, whose value is True, False or None."""
    return click.option(
        "--sample/--no-sample",
        default=None,
        help="Use the recipe's [sample] / never use it.  [default: where the recipe's data are not there]",
    )(command)


def device(command: _Command) -> _Command:
    """Add the option `--device`."""
    return click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:N or mps.")(command)


def code(command: _Command) -> _Command:
    """Add the option `--code`, whose value is a tuple for `import_code`."""
    return click.option(
        "--code", multiple=True, metavar="FILE", help="Import a Python file that registers components."
    )(command)


def direction(command: _Command) -> _Command:
    """Add the option `--direction`."""
    return click.option("--direction", help="Which way, if the method translates both.  [default: the method's first]")(
        command
    )


def mode(text: str = "As for itrans translate.") -> Callable[[_Command], _Command]:
    """Add the option `--mode`, with a help text."""
    choices = click.Choice(["paper", "running"])
    return click.option("--mode", type=choices, default="paper", show_default=True, help=text)


def precision(text: str = "As for itrans translate.") -> Callable[[_Command], _Command]:
    """Add the option `--precision`, with a help text."""
    choices = click.Choice(["auto", "fp32", "bf16", "fp16"])
    return click.option("--precision", type=choices, default="auto", show_default=True, help=text)


def translating(command: _Command) -> _Command:
    """Add the options `--mode`, `--seed`, `--direction` and `--precision`, those of a `Translator`."""
    for option in (
        precision("auto: bf16 for 8-bit pictures where the hardware has it, else fp32."),
        direction,
        click.option(
            "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of dropout and noise."
        ),
        mode(
            "paper: dropout stays on, and batch normalisation uses each picture's own statistics, as in Isola et al. "
            "running: dropout is off, and batch normalisation uses the statistics gathered in training."
        ),
    ):
        command = option(command)
    return command


def method_options(command: _Command) -> _Command:
    """Add the option `--option`, whose value, `method_options`, has values by name."""
    return click.option(
        "--option",
        "method_options",
        multiple=True,
        metavar="NAME=VALUE",
        callback=_named_values,
        help="An option of the method, where it has some: --option steps=20",
    )(command)


def extras(command: _Command) -> _Command:
    """Add the option `--with`, whose value, `extras`, has values by name."""
    return click.option(
        "--with",
        "extras",
        multiple=True,
        metavar="NAME=VALUE",
        callback=_named_values,
        help="What the method takes as well as pictures: --with domain=blue. For a picture: a file, or a folder with "
        "a file for each input.",
    )(command)


def _named_values(_context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> dict[str, Any]:
    return named_values(texts, parameter.opts[0])


def named_values(texts: Iterable[str], option: str) -> dict[str, Any]:
    """Return values by name of texts `NAME=VALUE`, whose values are TOML, or else text.

    Raises:
        ItransError: a text reads otherwise, or a name is given twice; the message begins with the option.
    """
    from itrans.errors import ItransError
    from itrans.recipe.document import assigned_value

    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        said = f"{option} {text}"
        if not equals or not name.isidentifier():
            raise ItransError(f"{said}: this should read NAME=VALUE.")
        if name in found:
            raise ItransError(f"{said}: {name} is given twice.")
        found[name] = assigned_value(value, said)
    return found


def import_code(files: tuple[str, ...]) -> None:
    """Import Python files by their paths, which come from the command line only.

    Raises:
        PluginError: a file is missing or fails.
    """
    from itrans.data.code_files import import_file
    from itrans.errors import ItransError, PluginError
    from itrans.files import expanded

    for name in files:
        path = expanded(name)
        if not path.is_file():
            raise PluginError(f"--code {path}: there is no such file.")
        if path.suffix != ".py":
            raise PluginError(f"--code {path}: this is not a Python file, whose name ends in .py.")
        try:
            import_file(path.resolve(), _module_of(path.resolve()))
        except ItransError as error:
            raise PluginError(f"--code {path}: {error}") from error
        except (Exception, SystemExit, GeneratorExit) as error:
            raise PluginError(f"--code {path} fails: {type(error).__name__}: {error}") from error


def _module_of(path: Path) -> str:
    """Return the name of a file's module; files of the same name in several folders have several."""
    from itrans.data.code_files import CODE, imported_files

    name = CODE + re.sub(r"\W", "_", path.stem)
    taken = imported_files()
    number = 1
    while taken.get(unique := name if number == 1 else f"{name}_{number}", path) != path:
        number += 1
    return unique


def _require(context: click.Context, _parameter: click.Parameter, value: str | None) -> str:
    if value is not None:
        return value
    here = [path.as_posix() for folder in (Path("recipes"), Path()) for path in sorted(folder.glob("*.toml"))]
    found = [path for path in here if path != "pyproject.toml"]
    more = ["  ..."] if len(found) > _MOST_NAMED else []
    listing = "\n".join([*(f"  {path}" for path in found[:_MOST_NAMED]), *more])
    none = "There is none in this folder or in its recipes/. itrans init lists those that come with itrans."
    there = f"Those here:\n{listing}" if found else none
    raise click.UsageError(f"Say which recipe: `{context.command_path} RECIPE`. {there}", context)
