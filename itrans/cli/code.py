"""`--code FILE`: components that a file of the user's registers with the decorators."""

from __future__ import annotations

import re
from pathlib import Path

from itrans.data.code_files import CODE, import_file, imported_files
from itrans.errors import ItransError, PluginError
from itrans.files import expanded


def import_code(files: tuple[str, ...]) -> None:
    """Import Python files by their paths, which come from the command line only.

    Raises:
        PluginError: a file is missing or fails.
    """
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
    name = CODE + re.sub(r"\W", "_", path.stem)
    taken = imported_files()
    number = 1
    while taken.get(unique := name if number == 1 else f"{name}_{number}", path) != path:
        number += 1
    return unique
