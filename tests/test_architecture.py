"""The walls of the house that docs/house.md draws: who may import whom, and what the core does not know."""

from __future__ import annotations

import ast
import functools
import importlib.metadata
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import itrans.commands

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "house.md").read_text(encoding="utf-8")
CORE = sorted(ROOT.glob("itrans/**/*.py"))
PLUGINS = sorted(ROOT.glob("plugins/**/*.py"))
LONGEST = 300
"""Lines of a file; CONTRIBUTING.md states it."""

MOVED = {"itrans/evaluation.py": "itrans_evaluate", "itrans/api.py": "itrans_timm"}
"""Names of ours that plugins may have imported before they moved into a plugin, and where they are now."""


def floors() -> list[set[str]]:
    """Return the rooms of each floor, the lowest first, as the page lists them from the highest."""
    block = PAGE.split("<!-- floors -->")[1].split("```")[1]
    lines = [line for line in block.splitlines()[1:] if line.strip()]
    return [set(re.split(r"\s{2,}", line.strip())[0].split()) for line in reversed(lines)]


FLOORS = floors()


@functools.cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@functools.cache
def imports_of(path: Path) -> frozenset[str]:
    found = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def room_of(path: Path) -> str:
    return path.relative_to(ROOT / "itrans").parts[0].removesuffix(".py")


def rooms_of(path: Path) -> set[str]:
    """Return the rooms of the core that a file imports from."""
    parts = [name.split(".") for name in imports_of(path)]
    return {found[1] for found in parts if found[0] == "itrans" and len(found) > 1 and not found[1].startswith("__")}


def level(room: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


def named(paths: list[Path]) -> list:
    return [pytest.param(path, id=path.relative_to(ROOT).as_posix()) for path in paths]


def test_every_room_is_on_the_page_once():
    there = {room_of(path) for path in CORE} - {"__init__"}
    listed = [room for rooms in FLOORS for room in rooms]
    assert sorted(listed) == sorted(there)


@pytest.mark.parametrize("path", named(CORE))
def test_arrows_run_down(path):
    for other in rooms_of(path) if room_of(path) != "__init__" else ():
        assert level(other) <= level(room_of(path)), f"{room_of(path)} imports {other}"


def circles(arrows: dict[str, set[str]]) -> set[str]:
    """Return the nodes from which a way leads back to them."""

    def reached(start: str) -> set[str]:
        seen, waiting = set(), [*arrows.get(start, ())]
        while waiting:
            node = waiting.pop()
            if node not in seen:
                seen.add(node)
                waiting += arrows.get(node, ())
        return seen

    return {node for node in arrows if node in reached(node)}


def test_no_folders_import_one_another_in_a_circle():
    arrows: dict[str, set[str]] = {}
    for path in CORE:
        arrows.setdefault(room_of(path), set()).update(rooms_of(path) - {room_of(path)})
    assert circles(arrows) == set()
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == {"a", "b", "c"}


def test_no_packages_of_plugins_import_one_another_in_a_circle():
    arrows: dict[str, set[str]] = {}
    names = {path.relative_to(ROOT / "plugins").parts[0] for path in PLUGINS}
    for path in PLUGINS:
        here = path.relative_to(ROOT / "plugins").parts[0]
        arrows.setdefault(here, set()).update(({name.split(".")[0] for name in imports_of(path)} & names) - {here})
    assert circles(arrows) == set()


@pytest.mark.parametrize("path", named(PLUGINS))
def test_plugins_see_the_faces_and_nothing_else_of_itrans(path):
    """Those that bring commands, or take files, see both; components see `itrans.api`."""
    package = path.relative_to(ROOT / "plugins").parts[0]
    faces = {"api", "commands"} if package in tools() else {"api"}
    assert rooms_of(path) <= faces


@functools.cache
def entry_points() -> list[importlib.metadata.EntryPoint]:
    found = importlib.metadata.distribution("itrans").entry_points
    return [entry for entry in found if entry.group.startswith("itrans.")]


def tools() -> set[str]:
    groups = {"itrans.commands", "itrans.models", "itrans.media"}
    return {entry.value.split(".")[0] for entry in entry_points() if entry.group in groups}


def test_the_face_for_commands_has_at_most_thirty_names():
    assert len(itrans.commands.__all__) <= 30
    assert sorted(itrans.commands.__all__) == itrans.commands.__all__
    missing = [name for name in itrans.commands.__all__ if not hasattr(itrans.commands, name)]
    assert missing == []
    listed = PAGE.split("<!-- commands -->")[1].split("```")[1].split()[1:]
    assert sorted(listed) == itrans.commands.__all__


@pytest.mark.parametrize("path", named([path for path in CORE if room_of(path) != "testing"]))
def test_the_core_names_no_plugin(path):
    packages = {path.relative_to(ROOT / "plugins").parts[0] for path in PLUGINS}
    brought = {entry.name for entry in entry_points() if not entry.value.startswith("itrans.")}
    brought -= {entry.name for entry in entry_points() if entry.value.startswith("itrans.")}
    texts = {node.value for node in ast.walk(tree_of(path)) if isinstance(node, ast.Constant)} & (brought | packages)
    imported = {name.split(".")[0] for name in imports_of(path)} & (packages | {"timm"})
    moved = MOVED.get(path.relative_to(ROOT).as_posix())
    assert (texts | imported) - {moved} - WORDS == set()


WORDS = {
    "labels",  # a kind of pictures, and a data set of such
    "inspect",  # the module of Python's library, and a command
    "global",  # a part of Python's language, and a generator
    "import",
    "data",
    "identity",
}
"""Words that mean something else in the core than the component or the command of that name."""


def test_only_one_file_imports_entrypoints():
    assert [path.name for path in [*CORE, *PLUGINS] if "entrypoints" in imports_of(path)] == ["plugins.py"]


def test_there_is_one_progress_bar():
    found = {path.relative_to(ROOT).as_posix() for path in [*CORE, *PLUGINS] if "rich.progress" in imports_of(path)}
    assert found == {"itrans/cli/console.py"}


def test_files_stay_small():
    assert f"more than {LONGEST} lines" in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    long = {path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in [*CORE, *PLUGINS]}
    assert {path: lines for path, lines in long.items() if lines > LONGEST} == {}


@pytest.mark.parametrize("path", named([*CORE, *PLUGINS]))
def test_no_constant_is_dead(path):
    """A name in capitals that nothing in the repository reads is left over from something."""
    for node in tree_of(path).body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        for target in targets:
            if isinstance(target, ast.Name) and re.fullmatch(r"_?[A-Z][A-Z0-9_]+", target.id):
                places = [path] if target.id.startswith("_") else [*CORE, *PLUGINS]
                assert any(count_of(target.id, place) > (place == path) for place in places), target.id


@functools.cache
def words_of(path: Path) -> list[str]:
    return re.findall(r"\w+", path.read_text(encoding="utf-8"))


def count_of(word: str, path: Path) -> int:
    return words_of(path).count(word)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--help"], 0),
        (["list-plugins"], 0),
        (["evaluate", "--help"], 0),
        (["run", "missing.toml"], 2),
        (["run", "broken.toml"], 2),
    ],
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


UNUSED = {
    *("albumentations", "timm", "torchmetrics", "torchvision", "scipy", "sklearn", "PIL", "jinja2", "onnx"),
    *("torch._dynamo", "torch._inductor", "sympy", "torch.distributed.tensor"),  # torch's compiler, and its followers
}
"""What neither a plain recipe needs before its first validation, nor `itrans translate` for plain pictures."""


def test_the_first_step_of_a_plain_recipe_waits_for_nothing_that_it_does_not_use(recipe, tmp_path):
    program = (
        "import sys, itrans.api\n"
        f"unused = {UNUSED!r}\n"
        "def stop(step, losses):\n    print(step, sorted(unused & set(sys.modules)))\n    return False\n"
        f"itrans.api.train({str(recipe)!r}, output='out', progress=False, on_step=stop)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "1 []\n", done.stderr


def test_plain_pictures_are_translated_without_what_they_do_not_need(itrans, recipe, aligned, tmp_path):
    assert itrans("run", recipe, "-o", "run", "--set", "train.steps=1").exit_code == 0
    program = (
        "import sys, atexit\n"
        f"atexit.register(lambda: print(sorted({UNUSED!r} & set(sys.modules))))\n"
        f"sys.argv = ['itrans', 'translate', 'run', {str(aligned / 'val')!r}, '-o', 'out']\n"
        "from itrans.cli import main\nmain()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
