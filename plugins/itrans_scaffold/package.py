"""The files of a new plugin's package, and writing them whole or not at all."""

from __future__ import annotations

import importlib.resources
import os
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from itrans.api import REGISTRIES, OutputError
from itrans_scaffold import texts
from itrans_scaffold.names import Names, names_of, refuse_taken
from itrans_scaffold.recipe import recipe_text

if TYPE_CHECKING:
    from collections.abc import Sequence

_PLACEHOLDER = "Template"
"""How the names of the templates' classes begin."""


def write_package(name: str, kinds: Sequence[str]) -> Names:
    """Write a complete package into a new folder of the given name, here.

    Args:
        name: what the package is called; see `names_of`.
        kinds: what it brings, one component each.

    Returns:
        What everything in it is called.

    Raises:
        PluginError: there can be no package of that name, or something else has the name.
        OutputError: the folder is there already, or cannot be written.
    """
    names = names_of(name)
    kinds = [kind for kind in REGISTRIES if kind in kinds]
    folder = Path(names.folder)
    if os.path.lexists(folder):
        raise OutputError(f"{folder} is there already, and is left as it is. Choose another name, or move it away.")
    refuse_taken(names, kinds)
    files = files_of(names, kinds)
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
    return names


def files_of(names: Names, kinds: Sequence[str]) -> dict[str, str]:
    """Return the text of every file of a package, by its path.

    Args:
        names: of the plugin.
        kinds: of its components.
    """
    modules = [texts.module_of(kind) for kind in kinds]
    return {
        "pyproject.toml": texts.project_text(names, kinds),
        "README.md": texts.readme_text(names, kinds),
        "LICENSE": _template("LICENSE"),
        ".gitignore": texts.IGNORED,
        "recipe.toml": recipe_text(names, kinds),
        f"{names.module}/__init__.py": f'"""{texts.description(kinds)}."""\n',
        f"{names.module}/py.typed": "",
        **{
            f"{names.module}/{module}.py": _template(f"{module}.py").replace(_PLACEHOLDER, names.prefix)
            for module in modules
        },
        f"tests/test_{names.module}.py": texts.tests_text(names, kinds),
    }


def _template(name: str) -> str:
    """Return the text of a file among the templates, which the wheel holds too."""
    return (importlib.resources.files("itrans_scaffold") / "templates" / name).read_text(encoding="utf-8")
