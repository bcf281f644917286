"""The files of a new plugin's package, and writing them whole or not at all."""

from __future__ import annotations

import importlib.resources
import os
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from itrans.api import OutputError
from itrans_scaffold import texts
from itrans_scaffold.names import MODULES, Names, Part, names_of, parts_of, refuse_taken
from itrans_scaffold.recipe import recipe_text

if TYPE_CHECKING:
    from collections.abc import Sequence

_PLACEHOLDER = "Template"
"""How the names of the templates' classes begin."""


def write_package(name: str, asked: Sequence[tuple[str, str | None]]) -> tuple[Names, list[Part]]:
    """Write a complete package into a new folder of the given name, here.

    Args:
        name: what the package is called; see `names_of`.
        asked: what it brings: kinds, each with a name or None; see `parts_of`.

    Returns:
        What everything in it is called, and its components.

    Raises:
        PluginError: there can be no package or component of that name, or something else has the name.
        OutputError: the folder is there already, or cannot be written.
    """
    names = names_of(name)
    parts = parts_of(names, asked)
    folder = Path(names.folder)
    if os.path.lexists(folder):
        raise OutputError(f"{folder} already exists, and is left as it is. Choose another name, or move it away.")
    refuse_taken(names, parts)
    files = files_of(names, parts)
    temporary = Path(f".{names.folder}-{secrets.token_hex(8)}")
    try:
        for path, text in files.items():
            (temporary / path).parent.mkdir(parents=True, exist_ok=True)
            (temporary / path).write_text(text, encoding="utf-8", newline="\n")
        temporary.rename(folder)
    except OSError as error:
        raise OutputError(f"The folder {folder} cannot be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return names, parts


def files_of(names: Names, parts: Sequence[Part]) -> dict[str, str]:
    """Return the text of every file of a package, by its path.

    Args:
        names: of the plugin.
        parts: its components.
    """
    return {
        "pyproject.toml": texts.project_text(names, parts),
        "README.md": texts.readme_text(names, parts),
        "LICENSE": _template("LICENSE"),
        ".gitignore": texts.IGNORED,
        "recipe.toml": recipe_text(names, parts),
        f"{names.module}/__init__.py": f'"""{texts.description(parts)}."""\n',
        f"{names.module}/py.typed": "",
        **{
            f"{names.module}/{part.module}.py": _template(f"{MODULES[part.kind]}.py").replace(_PLACEHOLDER, part.prefix)
            for part in parts
        },
        f"tests/test_{names.module}.py": texts.tests_text(names, parts),
    }


def _template(name: str) -> str:
    """Return the text of a file among the templates, which the wheel holds too."""
    return (importlib.resources.files("itrans_scaffold") / "templates" / name).read_text(encoding="utf-8")
