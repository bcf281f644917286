"""The texts of a new plugin's package that are not modules: its project file, README, recipe and tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itrans.api import REGISTRIES, __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itrans_scaffold.names import Names

IGNORED = """\
__pycache__/
.venv/
/dist/
/runs/
"""
"""The content of `.gitignore`, which hatchling heeds too: what is in it goes into no wheel."""

_PROJECT = """\
[build-system]
requires = ["hatchling>=1.26"]
build-backend = "hatchling.build"

[project]
name = "{distribution}"
version = "0.1.0"
description = "{description}"
readme = "README.md"
license = "Apache-2.0"
license-files = ["LICENSE"]
requires-python = ">=3.11"
# itrans brings torch, numpy and pydantic.
dependencies = ["itrans>={version},<{next_major}"]

[project.optional-dependencies]
dev = ["itrans[sample]", "pytest>=8.3"]

# One entry point for each component: the name that recipes say, and the class.
{entry_points}
[tool.hatch.build.targets.wheel]
packages = ["{module}"]

[tool.pytest.ini_options]
testpaths = ["tests"]

[tool.ruff]
line-length = 120

[tool.ruff.lint]
select = ["B", "E", "F", "I", "UP"]

[tool.ruff.lint.isort]
known-first-party = ["itrans", "{module}"]
"""

_README = """\
# {distribution}

{description}, the toolkit for image-to-image translation.

In this folder:

```bash
pip install -e '.[dev]'
itrans list-plugins --check
itrans run recipe.toml
pytest
```

| kind | name in a recipe | class |
|---|---|---|
{rows}

What is here works as it stands, and is meant to be edited:

1. Change the classes. Their keyword arguments are the recipe's keys; their annotations say which values are good.
2. Rename the components: left of `=` in `pyproject.toml`, and in `recipe.toml`. Then install again, because the names
   are read from what is installed.
3. Change this text, and the metadata in `pyproject.toml`. The licence is Apache-2.0; another will do.
"""

_TESTS = '''\
"""Each component is what itrans asks of its kind, and the recipe fits them."""

import subprocess
import sys
from pathlib import Path

{imports}
{checks}

def test_recipe() -> None:
    """The package is installed, and its recipe fits what it brings."""
    recipe = Path(__file__).parents[1] / "recipe.toml"
    done = subprocess.run(
        [sys.executable, "-m", "itrans", "run", recipe, "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
'''

_CHECK = """\

def test_{kind}() -> None:
    check_{kind}({class_name})
"""

_LINE = 120

_MODULES = {
    "generator": "generators",
    "discriminator": "discriminators",
    "loss": "losses",
    "dataset": "datasets",
    "method": "methods",
    "transform": "transforms",
    "metric": "metrics",
    "tracker": "trackers",
    "page": "pages",
}


def module_of(kind: str) -> str:
    """Return the module, in the package as in the templates, that has the components of a kind."""
    return _MODULES[kind]


def project_text(names: Names, kinds: Sequence[str]) -> str:
    """Return the content of `pyproject.toml`."""
    entry_points = "\n".join(
        f'[project.entry-points."{REGISTRIES[kind].group}"]\n'
        f'{names.component} = "{names.module}.{module_of(kind)}:{names.class_of(kind)}"\n'
        for kind in kinds
    )
    return _PROJECT.format(
        distribution=names.distribution,
        description=description(kinds),
        version=__version__,
        next_major=int(__version__.partition(".")[0]) + 1,
        entry_points=entry_points,
        module=names.module,
    )


def readme_text(names: Names, kinds: Sequence[str]) -> str:
    """Return the content of `README.md`."""
    rows = "\n".join(
        f"| {kind} | `{names.component}` | `{names.module}.{module_of(kind)}.{names.class_of(kind)}` |"
        for kind in kinds
    )
    return _README.format(distribution=names.distribution, description=description(kinds), rows=rows)


def tests_text(names: Names, kinds: Sequence[str]) -> str:
    """Return the package's tests: a line for what itrans asks of each component, and that the recipe is good."""
    checks = sorted(f"check_{kind}" for kind in kinds)
    line = f"from itrans.testing import {', '.join(checks)}\n"
    if len(line) > _LINE:
        line = "".join(["from itrans.testing import (\n", *(f"    {name},\n" for name in checks), ")\n"])
    imports = sorted(
        [
            line,
            *(f"from {names.module}.{module_of(kind)} import {names.class_of(kind)}\n" for kind in kinds),
        ]
    )
    tests = "\n".join(_CHECK.format(kind=kind, class_name=names.class_of(kind)) for kind in kinds)
    return _TESTS.format(imports="".join(imports), checks=tests)


def description(kinds: Sequence[str]) -> str:
    """Return `A generator, a loss and a method for itrans`."""
    if len(kinds) == len(REGISTRIES):
        return "A component of each kind for itrans"
    *most, last = [f"a {'data set' if kind == 'dataset' else kind}" for kind in kinds]
    text = f"{', '.join(most)} and {last}" if most else last
    return f"A{text[1:]} for itrans"
