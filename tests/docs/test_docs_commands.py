"""The commands that are shown exist, take what they are shown with, and print what is shown."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
from docs.base import add_pictures
from docs.pages import BLOCKS, ROOT, Block, wanted

from itrans.cli import cli
from itrans.recipe.load import load_recipe


def commands_of(block: Block) -> list[list[str]]:
    """Return the arguments of every `itrans` that a block calls."""
    found = []
    for line in block.text.splitlines():
        if block.language == "console":
            if not line.startswith("$ "):
                continue
            line = line[2:]
        words = shlex.split(line, comments=True)
        while words:
            end = words.index("&&") if "&&" in words else len(words)
            command, words = words[:end], words[end + 1 :]
            for position in range(len(command) - 1):
                if command[position : position + 2] == ["-m", "itrans"]:
                    command = command[position + 1 :]
                    break
            if command[0] == "itrans":
                found.append(command[1:])
    return found


SHELL = [block for block in BLOCKS if block.language in {"bash", "console"}]
COMMANDS = [(block, arguments) for block in SHELL for arguments in commands_of(block)]


@pytest.mark.parametrize(("block", "arguments"), COMMANDS, ids=lambda value: str(value))
def test_commands_exist_and_take_what_they_are_shown_with(block, arguments, monkeypatch):
    assert not block.mark.startswith("skip")
    command, words = cli, [word for word in arguments if word != "--debug"]
    while isinstance(command, click.Group):
        assert words, f"{block}: {arguments} is no whole command"
        name, *words = words
        command = command.get_command(click.Context(command), name)
        assert command is not None, f"{block}: there is no command {name}"
    context = command.make_context(command.name, words)
    monkeypatch.chdir(ROOT)
    recipe = context.params.get("recipe")
    if recipe and recipe.startswith("recipes/") and "\nError: " not in block.text:
        load_recipe(recipe, overrides=context.params["overrides"], without=context.params.get("without", ()))


def test_the_two_commands_of_the_readme_stand_there_word_for_word():
    bash = [block.text.strip() for block in wanted("bash") if block.page.name == "README.md"]
    assert "pip install -e '.[sample,serve]' && itrans run recipes/pix2pix_edges2shoes.toml" in bash
    assert "pip install -e '.[dev]' && pytest" in bash


def comparable(line: str) -> str:
    """Return a line without what differs from version to version and from one width of a column to the next."""
    return " ".join(re.sub(r"\b\d+\.\d+\.\d+\S*?(?=\W|$)", "VERSION", line).split())


@pytest.mark.parametrize("block", [block for block in wanted("console") if block.mark == "output"], ids=str)
def test_output_is_what_is_shown(block, itrans, tmp_path):
    add_pictures(tmp_path)
    (tmp_path / "recipes").symlink_to(ROOT / "recipes")
    for recipe in wanted("toml", files=True):
        if recipe.page == block.page and "/" not in recipe.name:
            Path(recipe.name).write_text(recipe.text, encoding="utf-8")
    [arguments] = commands_of(block)
    output = [comparable(line) for line in itrans(*arguments).output.splitlines()]
    shown = [comparable(line) for line in block.text.splitlines()[1:]]
    assert [line for line in shown if line not in output] == [], output
    if arguments[0] == "list-plugins":  # of which a page shows all, so that none is missing when one is new
        assert shown == output
