"""`itrans new-plugin`: what it writes, what it calls it, and what it refuses."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from itrans import __version__, plugins
from itrans.plugins import GROUPS
from itrans.registry import REGISTRIES

ROOT = Path(__file__).parents[3]
KINDS = list(GROUPS)
MODULES = {
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
EVERY_KIND = [*([kind] for kind in KINDS), ["generator", "loss"], KINDS]


def options(kinds):
    return [word for kind in kinds for word in ("--kind", kind)]


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file()
    }


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def installed(itrans, install, tmp_path):
    """Write a package and install it, as pip would leave it; returns its folder."""

    def make(name, kinds):
        done = itrans("new-plugin", name, *options(kinds))
        assert done.exit_code == 0, done.output
        folder = tmp_path / name
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        entry_points = "".join(
            f"[{group}]\n" + "".join(f"{key} = {target}\n" for key, target in entries.items())
            for group, entries in project["entry-points"].items()
        )
        site = install(project["name"], project["version"], entry_points)
        module = project["name"].replace("-", "_")
        shutil.copytree(folder / module, site / module)
        return folder

    return make


# What is written


@pytest.mark.parametrize("kinds", EVERY_KIND, ids="+".join)
def test_a_whole_package_is_written(itrans, tmp_path, kinds):
    done = itrans("new-plugin", "itrans-sketch", *options(kinds))
    assert done.exit_code == 0, done.output
    assert left(tmp_path) == ["itrans-sketch"]
    files = contents(tmp_path / "itrans-sketch")
    assert set(files) == {
        ".gitignore",
        "LICENSE",
        "README.md",
        "itrans_sketch/__init__.py",
        "itrans_sketch/py.typed",
        "pyproject.toml",
        "recipe.toml",
        "tests/test_itrans_sketch.py",
        *(f"itrans_sketch/{MODULES[kind]}.py" for kind in kinds),
    }
    project = tomllib.loads(files["pyproject.toml"])["project"]
    assert project["name"] == "itrans-sketch"
    assert project["dependencies"] == [f"itrans>={__version__},<1"]
    assert project["entry-points"] == {
        GROUPS[kind]: {"sketch": f"itrans_sketch.{MODULES[kind]}:Sketch{kind.capitalize()}"} for kind in kinds
    }
    for kind in kinds:
        assert f"class Sketch{kind.capitalize()}" in files[f"itrans_sketch/{MODULES[kind]}.py"]
        assert f"    check_{kind}(Sketch{kind.capitalize()})\n" in files["tests/test_itrans_sketch.py"]
        assert f"| {kind} | `sketch` |" in files["README.md"]
    assert not any("Template" in text or "{" in text for name, text in files.items() if name.endswith((".md", ".toml")))
    assert not any("Template" in text for text in files.values())


def test_the_licence_is_that_of_itrans(itrans, tmp_path):
    itrans("new-plugin", "sketch", "--kind", "loss")
    assert (tmp_path / "sketch" / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_the_next_three_commands_are_told(itrans):
    done = itrans("new-plugin", "itrans-sketch", "--kind", "loss", "--kind", "generator", "--kind", "loss")
    assert done.stdout.splitlines() == [
        'Wrote itrans-sketch: loss, generator "sketch", in itrans-sketch/itrans_sketch.',
        "Next:",
        "  pip install -e itrans-sketch",
        "  itrans list-plugins --check",
        "  itrans run itrans-sketch/recipe.toml",
    ]
    assert done.stderr == ""


@pytest.mark.parametrize("kinds", EVERY_KIND, ids="+".join)
def test_its_recipe_uses_all_of_it_and_is_good(installed, itrans, kinds):
    folder = installed("itrans-sketch", kinds)
    done = itrans("run", folder / "recipe.toml", "--check")
    assert done.exit_code == 0, done.output
    recipe = tomllib.loads((folder / "recipe.toml").read_text(encoding="utf-8"))
    for kind in kinds:
        if kind == "metric":
            assert recipe["validation"]["metric"] == "sketch"
            continue
        if kind == "page":
            assert recipe.get("log", {}).get("page", True)  # no recipe names one
            continue
        if kind == "transform":
            assert [table["name"] for table in recipe["augment"]["transform"]] == ["sketch"]
            continue
        tables = recipe[kind] if kind in {"loss", "tracker"} else [recipe[kind]]
        assert "sketch" in [table["name"] for table in tables]


@pytest.mark.usefixtures("checked_here")
def test_the_check_of_all_that_is_installed_finds_no_fault_in_it(installed, itrans):
    installed("itrans-sketch", KINDS)
    listed = json.loads(itrans("list-plugins", "--check", "--json").stdout)
    own = {row["kind"]: row["status"] for row in listed if row["distribution"] == "itrans-sketch"}
    assert own == dict.fromkeys(KINDS, "ok")


@pytest.mark.parametrize("name", ["itrans-sketch", "a2", "a-name-of-all-characters-that-there-are"])
def test_ruff_finds_nothing(itrans, tmp_path, name):
    assert itrans("new-plugin", name, *options(KINDS)).exit_code == 0
    for words in (["check"], ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *words, "--no-cache", "."]
        done = subprocess.run(command, cwd=tmp_path / name, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


# Names


@pytest.mark.parametrize(
    ("name", "distribution", "module", "component", "prefix"),
    [
        ("sketch", "sketch", "sketch", "sketch", "Sketch"),
        ("itrans-line-art", "itrans-line-art", "itrans_line_art", "line_art", "LineArt"),
        ("lineart-itrans", "lineart-itrans", "lineart_itrans", "lineart", "Lineart"),
        ("Acme.Line__Art", "acme-line-art", "acme_line_art", "acme_line_art", "AcmeLineArt"),
        ("itrans-3d", "itrans-3d", "itrans_3d", "3d", "Itrans3d"),
        ("itrans-lambda", "itrans-lambda", "itrans_lambda", "lambda", "Lambda"),
    ],
)
def test_names(installed, tmp_path, name, distribution, module, component, prefix):
    folder = installed(name, ["loss"])
    assert folder.name == name
    assert (folder / module / "losses.py").is_file()
    [origin] = [origin for origin in plugins.installed().origins if origin.distribution == distribution]
    assert (origin.name, origin.target) == (component, f"{module}.losses:{prefix}Loss")
    assert REGISTRIES["loss"].get(component).__name__ == f"{prefix}Loss"


def test_a_name_that_pip_would_change_is_told(itrans):
    done = itrans("new-plugin", "Line_Art", "--kind", "loss")
    assert done.exit_code == 0
    assert "line-art" in done.stderr
    assert "pip install -e Line_Art" in done.stdout


# What is refused


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "cannot name a package"),
        ("-sketch", "cannot name a package"),
        ("sketch-", "cannot name a package"),
        ("a sketch", "cannot name a package"),
        ("skizze\N{LATIN SMALL LETTER U WITH DIAERESIS}", "cannot name a package"),
        ("sketch\n", "cannot name a package"),
        ("plugins/sketch", "is a path"),
        ("..\\sketch", "is a path"),
        ("class", "a word of Python's own"),
        ("3d", "itrans-3d would do"),
        ("tests", "tests/ is another folder beside it"),
        ("s" * 40, "at most 39"),
        ("itrans", f"itrans {__version__} is installed"),
        ("Torch", "torch "),
        ("json", "json is a module of Python itself"),
        ("itrans-pix2pix", "Python finds a module itrans_pix2pix in"),
    ],
)
def test_names_that_cannot_be_had(itrans, tmp_path, name, reason):
    done = itrans("new-plugin", "--kind", "method", "--", name)
    assert done.exit_code == 2
    assert done.stderr.startswith("Error: ")
    assert reason in done.stderr
    assert len(done.stderr.splitlines()) == 1 + name.count("\n")
    assert done.stdout == ""
    assert left(tmp_path) == []


def test_a_component_that_is_there_already(itrans, tmp_path):
    done = itrans("new-plugin", "itrans-unet", "--kind", "loss", "--kind", "generator")
    assert done.exit_code == 2
    assert f'There is a generator "unet" already, from itrans {__version__}.' in done.stderr
    assert left(tmp_path) == []
    assert itrans("new-plugin", "itrans-unet", "--kind", "loss").exit_code == 0


def test_a_plugin_that_is_installed_already(installed, itrans, tmp_path):
    folder = installed("itrans-sketch", ["loss"])
    folder.rename(tmp_path / "elsewhere")
    done = itrans("new-plugin", "itrans-sketch", "--kind", "generator")
    assert done.exit_code == 2
    assert "itrans-sketch 0.1.0 is installed" in done.stderr


@pytest.mark.parametrize("what", ["folder", "file", "link"])
def test_a_place_that_is_taken_is_left_as_it_is(itrans, tmp_path, what):
    place = tmp_path / "sketch"
    if what == "folder":
        place.mkdir()
    elif what == "file":
        place.write_text("mine")
    else:
        place.symlink_to("nowhere")
    done = itrans("new-plugin", "sketch", "--kind", "loss")
    assert done.exit_code == 2
    assert "sketch already exists" in done.stderr
    assert left(tmp_path) == ["sketch"]
    assert what != "folder" or left(place) == []
    assert what != "file" or place.read_text() == "mine"
    assert what != "link" or place.is_symlink()


def test_another_folder_of_the_modules_name_is_no_module(itrans, tmp_path, monkeypatch):
    (tmp_path / "line_art").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    done = itrans("new-plugin", "line-art", "--kind", "loss")
    assert done.exit_code == 0, done.output


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not remove a folder that is in use")
def test_a_place_that_cannot_be_written(itrans, tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    done = itrans("new-plugin", "sketch", "--kind", "loss")
    monkeypatch.chdir(tmp_path)
    assert done.exit_code == 2
    assert done.stderr == "Error: The folder sketch cannot be written: No such file or directory.\n"


def test_nothing_half_written_stays(itrans, tmp_path, monkeypatch):
    write, written = Path.write_text, []

    def full(path, *arguments, **options):
        if len(written) == 4:
            raise OSError(28, "No space left on device")
        written.append(path)
        return write(path, *arguments, **options)

    monkeypatch.setattr(Path, "write_text", full)
    done = itrans("new-plugin", "sketch", "--kind", "loss")
    assert done.exit_code == 2
    assert done.stderr == "Error: The folder sketch cannot be written: No space left on device.\n"
    assert len(written) == 4
    assert left(tmp_path) == []


@pytest.mark.parametrize("words", [[], ["--kind", "network"]])
def test_a_kind_is_needed_and_must_be_one(itrans, tmp_path, words):
    done = itrans("new-plugin", "sketch", *words)
    assert done.exit_code == 2
    assert all(kind in done.stderr for kind in KINDS)
    assert left(tmp_path) == []


def test_it_imports_nothing_heavy(tmp_path):
    program = (
        "import sys, json, atexit\n"
        "atexit.register(lambda: print(json.dumps(sorted(set(sys.modules) & "
        "{'torch', 'numpy', 'cv2', 'pydantic', 'itrans_pix2pix'})), file=sys.stderr))\n"
        f"sys.argv = ['itrans', 'new-plugin', 'sketch', *{options(KINDS)!r}]\n"
        "from itrans.cli import main\nmain()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert json.loads(done.stderr) == []
    assert left(tmp_path) == ["sketch"]
