"""What the documentation shows is run: recipes here; Python, commands, tables and links in the files beside.

Conventions, all of them visible in the text:

- A block of TOML whose first line is a comment with a file's name is a whole recipe (or a `pyproject.toml`). Any other
  is a part of a recipe: it is laid over a small one, and must fit. A recipe called `wrong.toml` must not be good.
- A block of Python whose first line is a comment with a file's name registers components, and the part of a recipe that
  follows trains with them. With a folder in the name it belongs to a package. Any other block is a script, and runs.
- Every `itrans ...` in a block of bash or console is parsed. After `<!-- test: output -->`, a block of console is run,
  and every line that it shows has to come out. After the same mark, a block of text is what the script above it prints.
- A block of sh is a script that a test of its own page runs.
- The blocks of console of the tour are run in order; its `...` stands for lines that are left out.
- `<!-- test: skip: reason -->` leaves the next block out.
- A table with the head `key | type | default | meaning` is what the schema or the signature says.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from pathlib import Path

import pytest
import tomli_w
from docs.base import laid_over_base, parts_before, registered
from docs.pages import BLOCKS, wanted

from itrans.errors import RecipeError
from itrans.recipe.load import load_recipe


def test_blocks_are_marked_and_named_as_agreed():
    for block in BLOCKS:
        assert block.language in {"toml", "python", "bash", "sh", "dockerfile", "console", "text", "bibtex"}, str(block)
        assert not block.mark or block.mark == "output" or re.fullmatch(r"skip: .+", block.mark), str(block)
    for block, following in itertools.pairwise(BLOCKS):
        if (following.language, following.mark) == ("text", "output"):
            assert (block.page, block.language, block.name) == (following.page, "python", ""), str(following)
    assert len(wanted("toml")) > 20
    assert len(wanted("python")) > 10


@pytest.mark.parametrize("block", [b for b in wanted("toml", files=True) if "/" not in b.name], ids=str)
def test_recipes_are_good(block, tmp_path, monkeypatch, request):
    monkeypatch.chdir(tmp_path)
    if block.name == "acme.toml":
        request.getfixturevalue("acme")
    for other in wanted("toml", files=True):  # those of its page that it may extend
        if other.page == block.page and "/" not in other.name:
            (tmp_path / other.name).write_text(other.text, encoding="utf-8")
    (tmp_path / block.name).write_text(block.text, encoding="utf-8")
    if block.name == "wrong.toml":
        with pytest.raises(RecipeError):
            load_recipe(block.name)
        return
    load_recipe(block.name, sample=False)
    if "[sample]" in block.text:
        assert load_recipe(block.name).is_sample


def test_the_sample_of_the_recipes_page_is_laid_as_the_page_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    block = next(b for b in wanted("toml", files=True) if b.name == "sampled.toml")
    Path(block.name).write_text(block.text, encoding="utf-8")
    resolved = load_recipe(block.name).resolved
    assert (resolved["generator"]["norm"], resolved["generator"]["depth"]) == ("instance", 7)
    assert resolved["dataset"] == {"name": "openmoji", "size": 128, "direction": "AtoB", "paired": True}
    assert resolved["train"]["steps"] == 300
    assert "epochs" not in resolved["train"]


@pytest.mark.parametrize("block", wanted("toml", files=False), ids=str)
def test_parts_of_recipes_are_good(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with registered(parts_before(block), tmp_path):
        whole = laid_over_base(tomllib.loads(block.text))
        Path("whole.toml").write_text(tomli_w.dumps(whole), encoding="utf-8")
        load_recipe("whole.toml")
