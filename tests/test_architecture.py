"""The rules that keep the code in layers."""

from __future__ import annotations

import ast
import functools
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = [
    {"errors", "files", "lazy"},
    {"pictures"},
    {"plugins", "protocols", "records"},
    {"registry"},
    {"recipe"},
    {"data"},
    {"checkpoint"},
    {"networks"},
    {"methods", "metrics"},
    {"training"},
    {"translating"},
    {"api", "evaluation"},
    {"testing"},
    {"cli"},
    {"commands"},
    {"__main__"},
]
"""Parts of itrans, lowest first: each imports from its own and lower layers only."""

TOOLS = {"itrans_evaluate", "itrans_sweep"}
"""Packages that import more than the two faces still."""

FILES = sorted([*ROOT.glob("itrans/**/*.py"), *ROOT.glob("plugins/**/*.py")])


@functools.cache
def imports_of(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def level(part: str) -> int:
    return next(number for number, layer in enumerate(LAYERS) if part in layer)


@pytest.mark.parametrize("path", [path for path in FILES if path.is_relative_to(ROOT / "itrans")], ids=str)
def test_arrows_run_one_way(path):
    part = path.relative_to(ROOT / "itrans").parts[0].removesuffix(".py")
    if part == "__init__":
        return
    for name in imports_of(path):
        root, _, rest = name.partition(".")
        other = rest.partition(".")[0]
        if root == "itrans" and other and not other.startswith("__version"):
            assert level(other) <= level(part), f"{part} imports {name}"


@pytest.mark.parametrize("path", [path for path in FILES if path.is_relative_to(ROOT / "plugins")], ids=str)
def test_plugins_import_the_api_and_nothing_else_of_itrans(path):
    if path.relative_to(ROOT / "plugins").parts[0] in TOOLS:
        return
    used = {name for name in imports_of(path) if name.partition(".")[0] == "itrans"}
    faces = ("itrans.api", "itrans.commands")
    assert all(name.startswith(faces) for name in used), used


def test_only_one_file_imports_entrypoints():
    assert [path.name for path in FILES if "entrypoints" in imports_of(path)] == ["plugins.py"]


def test_files_stay_small():
    assert {str(path): lines for path in FILES if (lines := len(path.read_text().splitlines())) > 330} == {}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--help"], 0), (["list-plugins"], 0), (["run", "missing.toml"], 2), (["run", "broken.toml"], 2)],
)
def test_what_answers_at_once_imports_nothing_heavy(tmp_path, arguments, code):
    (tmp_path / "broken.toml").write_text("= 3")
    program = (
        "import sys, json, atexit\n"
        "atexit.register(lambda: print(json.dumps(sorted(set(sys.modules) & "
        "{'torch', 'numpy', 'cv2', 'albumentations', 'timm', 'torchmetrics', 'pydantic'})), file=sys.stderr))\n"
        f"sys.argv = ['itrans', *{arguments!r}]\n"
        "from itrans.cli import main\nmain()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert json.loads(done.stderr.splitlines()[-1]) == []
