"""`--code FILE`: parts that a file of the user's registers with the decorators."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from itrans.errors import ItransError, PluginError


def import_code(files: tuple[str, ...]) -> None:
    """Import Python files by their paths, which come from the command line only.

    Raises:
        PluginError: a file is missing or fails.
    """
    for name in files:
        path = Path(name)
        if not path.is_file():
            raise PluginError(f"--code {path}: there is no such file.")
        module_name = f"itrans_code_{path.stem}"
        specification = importlib.util.spec_from_file_location(module_name, path)
        if specification is None or specification.loader is None:
            raise PluginError(f"--code {path}: this is not a Python file.")
        module = importlib.util.module_from_spec(specification)
        sys.modules[module_name] = module  # where pickle looks for its classes
        try:
            specification.loader.exec_module(module)
        except ItransError as error:
            raise PluginError(f"--code {path}: {error}") from error
        except (Exception, SystemExit, GeneratorExit) as error:
            raise PluginError(f"--code {path} fails: {type(error).__name__}: {error}") from error
