"""The texts of a new plugin's package that are not modules: its project file, README, recipe and tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itrans.api import REGISTRIES, __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itrans_scaffold.names import Names, Part

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

{steps}"""

_CHANGE = """\
Change the classes. Their keyword arguments are the recipe's keys; their annotations say which values are valid.
"""
_RENAME = """\
Rename the components: left of `=` in `pyproject.toml`, and in `recipe.toml`. Then install again, because the names
   are read from what is installed.
"""
_METADATA = """\
Change this text, and the metadata in `pyproject.toml`. The licence is Apache-2.0; choose another if you like.
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

def test_{test}() -> None:
    check_{kind}({class_name})
"""

_LINE = 120


def project_text(names: Names, parts: Sequence[Part]) -> str:
    """Return the content of `pyproject.toml`."""
    entry_points = "\n".join(
        f'[project.entry-points."{REGISTRIES[kind].group}"]\n'
        + "".join(f'{part.name} = "{names.module}.{part.module}:{part.class_name}"\n' for part in some)
        for kind, some in _by_kind(parts).items()
    )
    return _PROJECT.format(
        distribution=names.distribution,
        description=description(parts),
        version=__version__,
        next_major=int(__version__.partition(".")[0]) + 1,
        entry_points=entry_points,
        module=names.module,
    )


def readme_text(names: Names, parts: Sequence[Part]) -> str:
    """Return the content of `README.md`."""
    rows = "\n".join(
        f"| {part.kind} | `{part.name}` | `{names.module}.{part.module}.{part.class_name}` |" for part in parts
    )
    steps = (
        [_CHANGE, _RENAME, _METADATA] if any(part.name == names.component for part in parts) else [_CHANGE, _METADATA]
    )
    return _README.format(
        distribution=names.distribution,
        description=description(parts),
        rows=rows,
        steps="".join(f"{number}. {step}" for number, step in enumerate(steps, 1)),
    )


def tests_text(names: Names, parts: Sequence[Part]) -> str:
    """Return the package's tests: a line for what itrans asks of each component, and that the recipe is good."""
    by_kind = _by_kind(parts)
    checks = sorted(f"check_{kind}" for kind in by_kind)
    line = f"from itrans.testing import {', '.join(checks)}\n"
    if len(line) > _LINE:
        line = "".join(["from itrans.testing import (\n", *(f"    {name},\n" for name in checks), ")\n"])
    imports = sorted([line, *(f"from {names.module}.{part.module} import {part.class_name}\n" for part in parts)])
    tests = "\n".join(
        _CHECK.format(
            kind=part.kind,
            test=part.kind if len(by_kind[part.kind]) == 1 else part.module,
            class_name=part.class_name,
        )
        for part in parts
    )
    return _TESTS.format(imports="".join(imports), checks=tests)


def description(parts: Sequence[Part]) -> str:
    """Return `A generator, two losses and a method for itrans`."""
    counts = {kind: len(some) for kind, some in _by_kind(parts).items()}
    if len(counts) == len(REGISTRIES):
        return f"{'Components' if len(parts) > len(counts) else 'A component'} of each kind for itrans"
    *most, last = [_counted(kind, count) for kind, count in counts.items()]
    text = f"{', '.join(most)} and {last}" if most else last
    return f"{text[0].upper()}{text[1:]} for itrans"


def _counted(kind: str, count: int) -> str:
    noun = "data set" if kind == "dataset" else kind
    if count == 1:
        return f"a {noun}"
    number = {2: "two", 3: "three"}.get(count, str(count))
    return f"{number} {'losses' if kind == 'loss' else f'{noun}s'}"


def _by_kind(parts: Sequence[Part]) -> dict[str, list[Part]]:
    found: dict[str, list[Part]] = {}
    for part in parts:
        found.setdefault(part.kind, []).append(part)
    return found
