"""Commands of other packages, guests of the group `itrans.commands`, and one-line summaries of plugins.

Listing them imports nothing: a summary is read from the source.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import inspect
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import click

from itrans import plugins
from itrans.errors import PluginError, error_text, printable, quoted
from itrans.metadata import contents
from itrans.registry import REGISTRIES

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from itrans.plugins import Origin

_MOST_CHARACTERS = 200


def guests() -> dict[str, list[Origin]]:
    """Return where each guest's command comes from, by name, without importing it.

    A name that one of our own packages uses belongs to it, whatever else is installed.
    """
    found = {name: found for (kind, name), found in plugins.installed().by_name.items() if kind == plugins.COMMAND}
    return {name: _ours(origins) or origins for name, origins in found.items()}


def lines_of_guests(taken: Container[str]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return our own guests and those of other packages, each a command with a line about it.

    The line is the first of the command's docstring, read from its source. A name that is taken is left out.
    """
    ours, theirs = [], []
    for name, origins in guests().items():
        if name in taken:
            continue
        line = summary_of(origins[0])
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
            f'Several packages bring the command "{name}": {packages}. Uninstall all but one, or set '
            f"{plugins.RESTRICTION} to the packages to use."
        )
    (origin,) = found
    who = f'The command "{name}" ({origin.distribution} {origin.version})'
    try:
        command = origin.load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # what a module raises on import is anybody's
        raise PluginError(f"{who} cannot be imported ({origin.target}):\n{error_text(error)}") from error
    if not isinstance(command, click.Command):
        raise PluginError(f"{who} is not a command: {origin.target} should be a function under @click.command().")
    return command


def summary_of(origin: Origin) -> str:
    """Return the first line of a component's docstring, or an empty text if it has none or has no source.

    The object has to be defined at the top of its module, or come into it by `from ... import`, once.
    """
    if origin.distribution == plugins.LOCAL:
        docstring = inspect.getdoc(REGISTRIES[origin.kind].get(origin.name)) or ""
    else:
        module, _, attribute = origin.target.partition("[")[0].replace(" ", "").partition(":")
        quick = _quick_docstring(module, attribute) if origin.kind == plugins.COMMAND else None
        docstring = _docstring(module, attribute) if quick is None else quick
    return printable(" ".join(docstring.strip().partition("\n")[0].split()))[:_MOST_CHARACTERS]


def _docstring(module: str, attribute: str, *, follow: bool = True) -> str:
    file = _file_of(module)
    body = _body_of(file) if file else ()
    for name in attribute.split("."):
        for node in reversed(body):  # of several definitions, the last one counts
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
                found, body = node, tuple(node.body)
                break
            if isinstance(node, ast.ImportFrom) and follow and file:
                for alias in node.names:
                    if name == (alias.asname or alias.name) and name == attribute:
                        return _docstring(_absolute(node, module, file), alias.name, follow=False)
        else:
            return ""
    return ast.get_docstring(found) or ""


def _quick_docstring(module: str, name: str) -> str | None:
    """Return the docstring of a command that a module defines once, in the usual form; None where that is not clear.

    To parse a few lines takes a hundredth of the time that all of a command's file takes.
    """
    file = _file_of(module)
    try:
        source = contents(file).decode("utf-8") if file else ""
        (head,) = re.finditer(rf"^def {re.escape(name)}\b", source, re.MULTILINE)
        header, quotes, rest = source[head.start() :].partition('"""')
        (node,) = ast.parse(f'{header}{quotes}{rest.partition(quotes)[0]}"""\n').body
    except (OSError, ValueError, SyntaxError):
        return None
    return ast.get_docstring(node) if isinstance(node, ast.FunctionDef) and quotes else None


def _absolute(node: ast.ImportFrom, module: str, file: Path) -> str:
    """Return the module that `from module import ...` means."""
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    length = len(parts) + (file.name == "__init__.py") - node.level
    return ".".join([*parts[: max(length, 0)], *([node.module] if node.module else [])])


@functools.cache
def _body_of(file: Path) -> tuple[ast.stmt, ...]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return tuple(ast.parse(contents(file)).body)
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return ()


@functools.cache
def _file_of(module: str) -> Path | None:
    """Return the source of a module. Its packages are not imported, as `importlib.util.find_spec` would do."""
    package, *inner = module.split(".")
    try:
        spec = importlib.util.find_spec(package)
    except Exception:  # a finder that some package has installed may raise anything
        return None
    if spec is None:
        return None
    file = Path(spec.origin) if spec.has_location and spec.origin else None
    folders: Iterable[str] = spec.submodule_search_locations or ()
    for name in inner:
        file, folders = _submodule(folders, name)
    return file if file is not None and file.suffix == ".py" else None


def _submodule(folders: Iterable[str], name: str) -> tuple[Path | None, list[str]]:
    for folder in map(Path, folders):
        if (file := folder / name / "__init__.py").is_file():
            return file, [str(folder / name)]
        if (file := folder / f"{name}.py").is_file():
            return file, []
    return None, [str(Path(folder, name)) for folder in folders if Path(folder, name).is_dir()]
