"""Files of `--code` as modules, which worker processes import as well."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

CODE = "itrans_code_"
"""What the names of their modules begin with."""


def import_file(path: Path, module: str) -> None:
    """Import a Python file as a module of this name; whatever it raises is let through.

    Raises:
        ImportError: it is not a Python file.
    """
    specification = importlib.util.spec_from_file_location(module, path)
    if specification is None or specification.loader is None:
        raise ImportError(f"{path} is not a Python file")
    made = importlib.util.module_from_spec(specification)
    sys.modules[module] = made  # where pickle looks for its classes
    try:
        specification.loader.exec_module(made)
    except BaseException:
        del sys.modules[module]
        raise


def imported_files() -> dict[str, Path]:
    """Return the files that `--code` has imported, by the names of their modules."""
    return {
        name: Path(file)
        for name, module in sys.modules.items()
        if name.startswith(CODE) and (file := getattr(module, "__file__", None))
    }
