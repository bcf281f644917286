"""What components say of themselves: the first line of each docstring, read from the source, with nothing imported."""

from __future__ import annotations

import ast
import functools
import importlib.util
import inspect
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from itrans.errors import printable
from itrans.plugins import LOCAL, contents
from itrans.registry import REGISTRIES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from itrans.plugins import Origin

_MOST_CHARACTERS = 200


def summary_of(origin: Origin) -> str:
    """Return the first line of a component's docstring, or an empty text if it has none or has no source.

    The object has to be defined at the top of its module, or come into it by `from ... import`, once.
    """
    if origin.distribution == LOCAL:
        docstring = inspect.getdoc(REGISTRIES[origin.kind].get(origin.name)) or ""
    else:
        module, _, attribute = origin.target.partition("[")[0].replace(" ", "").partition(":")
        docstring = _docstring(module, attribute)
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


def _absolute(node: ast.ImportFrom, module: str, file: Path) -> str:
    """Return the module that `from module import ...` means."""
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    kept = len(parts) + (file.name == "__init__.py") - node.level
    return ".".join([*parts[: max(kept, 0)], *([node.module] if node.module else [])])


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
