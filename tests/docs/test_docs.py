"""What the documentation shows is run.

Conventions, all of them visible in the text:

- A block of TOML whose first line is a comment with a file's name is a whole recipe (or a `pyproject.toml`). Any other
  is a part of a recipe: it is laid over a small one, and must fit. A recipe called `wrong.toml` must not be good.
- A block of Python whose first line is a comment with a file's name registers components, and the part of a recipe that
  follows trains with them. With a folder in the name it belongs to a package. Any other block is a script, and runs.
- Every `itrans ...` in a block of bash or console is parsed. After `<!-- test: output -->`, a block of console is run,
  and every line that it shows has to come out.
- `<!-- test: skip: reason -->` leaves the next block out.
- A table with the head `key | type | default | meaning` is what the schema or the signature says.
"""

from __future__ import annotations

import contextlib
import copy
import json
import re
import shlex
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import click
import cv2
import numpy as np
import pytest
import tomli_w
import torch
import yaml
from click.testing import CliRunner
from pydantic_core import PydanticUndefined

from itrans.cli import cli
from itrans.cli.code import import_code
from itrans.errors import RecipeError
from itrans.recipe import schema
from itrans.recipe.arguments import Signature, shown_type
from itrans.recipe.check import OFFERED
from itrans.recipe.load import load_recipe
from itrans.registry import LOCAL, LOSSES, REGISTRIES

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
MADE_LATER = {ROOT / "docs" / "images" / "sample.png"}

BASE = {
    "dataset": {"name": "aligned", "root": "datasets/mine"},
    "generator": {"name": "unet", "depth": 3, "filters": 4},
    "discriminator": {"name": "patchgan", "patch": 16, "filters": 4},
    "loss": [{"name": "cgan"}, {"name": "l1", "weight": 100.0}],
    "train": {"batch_size": 2, "steps": 2, "precision": "fp32"},
}


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str
    mark: str

    @property
    def name(self) -> str:
        """The file that it is, or an empty text."""
        first = self.text.splitlines()[0] if self.text.strip() else ""
        match = re.fullmatch(r"# (\S+\.(?:toml|py))", first)
        return match[1] if match else ""

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT).as_posix()}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    found, mark, start, language, body = [], "", 0, "", []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        if start:
            if line == "```":
                found.append(Block(page, start, language, "\n".join(body) + "\n", mark))
                mark, start = "", 0
            else:
                body.append(line)
        elif fence := re.fullmatch(r"```(\w*)", line):
            start, language, body = number, fence[1], []
        elif comment := re.fullmatch(r"<!-- test: (.+) -->", line):
            mark = comment[1]
        elif line.strip():
            mark = ""
    assert not start, f"{page.name}:{start}: the block has no end"
    return found


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def wanted(language: str, *, files: bool | None = None) -> list[Block]:
    return [
        block
        for block in BLOCKS
        if block.language == language
        and not block.mark.startswith("skip")
        and (files is None or files == bool(block.name))
    ]


@contextlib.contextmanager
def registered(sources: list[Block], folder: Path):
    """Have the components of some blocks for as long as this lasts."""
    before = {kind: {o.name for o in registry.origins() if o.distribution == LOCAL} for kind, registry in kinds()}
    try:
        for block in sources:
            (folder / block.name).write_text(block.text, encoding="utf-8")
            import_code((str(folder / block.name),))
        yield
    finally:
        for kind, registry in kinds():
            for origin in registry.origins():
                if origin.distribution == LOCAL and origin.name not in before[kind]:
                    registry.unregister(origin.name)
        for block in sources:
            sys.modules.pop(f"itrans_code_{Path(block.name).stem}", None)


def kinds():
    return REGISTRIES.items()


def parts_before(block: Block) -> list[Block]:
    """Return the blocks of a page that register components, above a block."""
    return [
        other
        for other in wanted("python", files=True)
        if other.page == block.page and other.line < block.line and "/" not in other.name
    ]


def laid_over_base(part: dict[str, object]) -> dict[str, object]:
    """Return a whole recipe with a part in it. Call it while the part's components are registered."""
    whole = copy.deepcopy(BASE)
    for name, value in part.items():
        below = whole.get(name)
        merged = isinstance(value, dict) and isinstance(below, dict) and "name" not in value
        whole[name] = {**below, **value} if merged else value
    if "train" in part:
        for one, other in (("epochs", "steps"), ("steps", "epochs")):
            if one in part["train"]:
                whole["train"].pop(other, None)
    roles = {LOSSES.get(loss["name"]).role for loss in whole["loss"]}
    if "adversarial" not in roles or whole.get("method", {}).get("name") == "two_way":
        del whole["discriminator"]
    return whole


def call(*arguments: object):
    return CliRunner().invoke(cli, [str(argument) for argument in arguments], prog_name="itrans")


def add_pictures(folder: Path) -> None:
    """Write what the documents take to be there: A|B pairs of 16x16 in `datasets/mine`, and a few `pictures`."""
    noise = np.random.default_rng(0)
    for split, count in (("train", 4), ("val", 2)):
        (folder / "datasets" / "mine" / split).mkdir(parents=True)
        for index in range(count):
            picture = cv2.resize(noise.integers(0, 256, (4, 4, 3), dtype=np.uint8), (16, 16))
            path = folder / "datasets" / "mine" / split / f"{index}.png"
            assert cv2.imwrite(str(path), np.hstack([picture, 255 - picture]))
    (folder / "pictures").mkdir()
    assert cv2.imwrite(str(folder / "pictures" / "cat.png"), noise.integers(0, 256, (19, 23, 3), dtype=np.uint8))


@pytest.fixture(scope="module", autouse=True)
def single_thread():
    """Compute in one thread: networks as small as these only wait for a second one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def workplace(tmp_path_factory) -> Path:
    """A folder with a data set, pictures, and the run `runs/mine`."""
    folder = tmp_path_factory.mktemp("docs")
    add_pictures(folder)
    (folder / "mine.toml").write_text(tomli_w.dumps(BASE), encoding="utf-8")
    with contextlib.chdir(folder):
        done = call("run", "mine.toml")
    assert done.exit_code == 0, done.output
    return folder


# Blocks


def test_blocks_are_marked_and_named_as_agreed():
    for block in BLOCKS:
        assert block.language in {"toml", "python", "bash", "console", "text", "bibtex"}, str(block)
        assert not block.mark or block.mark == "output" or re.fullmatch(r"skip: .+", block.mark), str(block)
    assert len(wanted("toml")) > 20
    assert len(wanted("python")) > 10


@pytest.mark.parametrize("block", [b for b in wanted("toml", files=True) if "/" not in b.name], ids=str)
def test_recipes_are_good(block, tmp_path, monkeypatch, request):
    monkeypatch.chdir(tmp_path)
    if block.name == "acme.toml":
        install_package(request.getfixturevalue("install"))
    for other in wanted("toml", files=True):  # those of its page that it may extend
        if other.page == block.page and "/" not in other.name:
            (tmp_path / other.name).write_text(other.text, encoding="utf-8")
    (tmp_path / block.name).write_text(block.text, encoding="utf-8")
    if block.name == "wrong.toml":
        with pytest.raises(RecipeError):
            load_recipe(block.name)
        return
    load_recipe(block.name, allow_sample=False)
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


@pytest.mark.parametrize("block", [b for b in wanted("python", files=True) if "/" not in b.name], ids=str)
def test_parts_in_a_file_train_and_translate(block, workplace, tmp_path, monkeypatch):
    part = next(b for b in wanted("toml", files=False) if b.page == block.page and b.line > block.line)
    monkeypatch.chdir(workplace)
    with registered([block], tmp_path):
        whole = laid_over_base(tomllib.loads(part.text))
    assert block.text.split('register("')[1].split('"')[0] in part.text, f"{part} does not use {block}"
    recipe = tmp_path / "whole.toml"
    recipe.write_text(tomli_w.dumps(whole), encoding="utf-8")
    with registered([], tmp_path):
        done = call(
            "run", recipe, "--code", tmp_path / block.name, "-o", tmp_path / "run", "--set", "validation.every=0"
        )
    assert done.exit_code == 0, done.output
    checkpoint = tmp_path / "run" / "checkpoints" / "last.pt"
    channels = torch.load(checkpoint, weights_only=True)["source"]["channels"]
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("picture.png", np.zeros((18, 20, channels), np.uint8).squeeze())
    with registered([], tmp_path):
        done = call("translate", checkpoint, "picture.png", "-o", "out", "--code", block.name)
    assert done.exit_code == 0, done.output
    assert cv2.imread("out/picture.png").shape == (18, 20, 3)


@pytest.mark.parametrize("block", wanted("python", files=False), ids=str)
def test_scripts_run(block, workplace, monkeypatch):
    monkeypatch.chdir(workplace)
    exec(compile(block.text, str(block), "exec"), {"__name__": "__main__"})


# Commands


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
    if recipe and recipe.startswith("recipes/"):
        load_recipe(recipe, overrides=context.params["overrides"])


def test_the_two_commands_of_the_readme_stand_there_word_for_word():
    bash = [block.text.strip() for block in wanted("bash") if block.page.name == "README.md"]
    assert "pip install -e '.[sample]' && itrans run recipes/pix2pix_edges2shoes.toml" in bash
    assert "pip install -e '.[dev]' && pytest" in bash


@pytest.mark.parametrize("block", [block for block in wanted("console") if block.mark == "output"], ids=str)
def test_output_is_what_is_shown(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for recipe in wanted("toml", files=True):
        if recipe.page == block.page and "/" not in recipe.name:
            Path(recipe.name).write_text(recipe.text, encoding="utf-8")
    [arguments] = commands_of(block)
    output = [comparable(line) for line in call(*arguments).output.splitlines()]
    missing = [line for line in block.text.splitlines()[1:] if comparable(line) not in output]
    assert missing == [], output


def comparable(line: str) -> str:
    """Return a line without what differs from version to version and from one width of a column to the next."""
    return " ".join(re.sub(r"\b\d+\.\d+\.\d+\S*?(?=\W|$)", "VERSION", line).split())


# The package of docs/plugins.md


def install_package(install) -> dict[str, object]:
    files = {b.name: b.text for b in BLOCKS if b.name.startswith("itrans-acme/")}
    assert set(files) == {"itrans-acme/pyproject.toml", "itrans-acme/itrans_acme.py"}
    project = tomllib.loads(files["itrans-acme/pyproject.toml"])["project"]
    entry_points = "".join(
        f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in entries.items())
        for group, entries in project["entry-points"].items()
    )
    install(project["name"], project["version"], entry_points, itrans_acme=files["itrans-acme/itrans_acme.py"])
    return project


def test_the_package_of_the_plugins_page_is_listed_trains_and_translates(install, itrans, tmp_path):
    project = install_package(install)
    add_pictures(tmp_path)
    listed = {row["name"]: row for row in json.loads(itrans("list-plugins", "--check", "--json").output)}
    for entries in project["entry-points"].values():
        for name, target in entries.items():
            assert listed[name] == {
                "kind": listed[name]["kind"],
                "name": name,
                "distribution": "itrans-acme",
                "version": "1.0.0",
                "object": target,
                "status": "ok",
            }
    recipe = next(b for b in wanted("toml", files=True) if b.name == "acme.toml")
    (tmp_path / recipe.name).write_text(recipe.text, encoding="utf-8")
    done = itrans("run", recipe.name, "--set", "train.steps=2")
    assert done.exit_code == 0, done.output
    done = itrans("translate", "runs/acme/checkpoints/best.pt", "pictures", "-o", "out")
    assert done.exit_code == 0, done.output
    assert cv2.imread(str(tmp_path / "out" / "cat.png")).shape == (19, 23, 3)


# Tables


def tables_of(page: Path) -> dict[str, list[tuple[str, ...]]]:
    """Return the rows of the tables of keys below each heading, the backticks taken off."""
    found, heading = {}, ""
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ").strip("`")
        elif line.startswith("| `"):
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            found.setdefault(heading, []).append(tuple(cell.strip("` ") for cell in cells))
    return found


def type_cell(annotation: object) -> str:
    return shown_type(annotation).replace("list of Transform", "list of tables").replace(" | ", " or ")


def default_cell(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, schema.Component):
        return json.dumps(value.name)
    return json.dumps(value)


RECIPE_TABLES = {
    **{name: field.annotation for name, field in schema.Tables.model_fields.items()},
    "discriminator": schema.Component,
    "loss": schema.LossComponent,
    "augment.transform": schema.Transform,
}


def expected_of(table: str) -> list[tuple[str, str, str]]:
    model = RECIPE_TABLES[table]
    rows = []
    for key, field in model.model_fields.items():
        default = "required" if field.default is PydanticUndefined else default_cell(field.default)
        if table == "method":
            default = default_cell(schema.Tables.model_fields["method"].default)
        rows.append((key, type_cell(field.annotation), default))
    return rows


def test_every_table_of_the_schema_is_on_the_recipes_page_and_no_other():
    shown = tables_of(ROOT / "docs" / "recipes.md")
    simple = {"title", "seed"}
    assert set(shown) - {"Top level"} == {
        f"[[{name}]]" if name in {"loss", "augment.transform"} else f"[{name}]" for name in set(RECIPE_TABLES) - simple
    }
    fields = schema.Tables.model_fields
    of_the_file = [("extends", "text", "none"), ("without", "list of text", "none")]  # gone when tables are checked
    assert [row[:3] for row in shown["Top level"]] == [
        *((name, type_cell(fields[name].annotation), default_cell(fields[name].default)) for name in ("title", "seed")),
        *of_the_file,
    ]
    for heading, rows in shown.items():
        if heading != "Top level":
            assert [row[:3] for row in rows] == expected_of(heading.strip("[]")), heading


COMPONENTS = [
    ("pix2pix.md", "generator", "unet"),
    ("pix2pix.md", "generator", "encoder_decoder"),
    ("pix2pix.md", "discriminator", "patchgan"),
    ("pix2pix.md", "loss", "cgan"),
    ("pix2pix.md", "loss", "gan"),
    ("pix2pix.md", "loss", "l1"),
    ("pix2pix.md", "loss", "l2"),
    ("pix2pix.md", "loss", "cross_entropy"),
    ("data.md", "dataset", "aligned"),
    ("data.md", "dataset", "paired"),
    ("data.md", "dataset", "openmoji"),
    ("data.md", "dataset", "edges"),
    ("data.md", "dataset", "colorization"),
    ("data.md", "dataset", "inpainting"),
    ("labels.md", "dataset", "labels"),
    ("labels.md", "dataset", "facades_sample"),
    ("timm.md", "generator", "timm_unet"),
    ("timm.md", "discriminator", "timm_patch"),
    ("timm.md", "loss", "perceptual"),
    ("cyclegan.md", "method", "cyclegan"),
    ("cyclegan.md", "generator", "resnet"),
    ("cyclegan.md", "loss", "cycle"),
    ("cyclegan.md", "loss", "identity"),
    ("cyclegan.md", "dataset", "unaligned"),
    ("pix2pixhd.md", "generator", "global"),
    ("pix2pixhd.md", "generator", "local_enhancer"),
    ("pix2pixhd.md", "discriminator", "multiscale"),
    ("pix2pixhd.md", "loss", "feature_matching"),
    ("pix2pixhd.md", "dataset", "instance_maps"),
    ("cgan.md", "generator", "noise_mlp"),
    ("cgan.md", "discriminator", "mlp"),
    ("cgan.md", "dataset", "digits"),
]


@pytest.mark.parametrize(("page", "kind", "name"), COMPONENTS)
def test_arguments_of_components_are_those_of_their_signatures(page, kind, name):
    signature = Signature(REGISTRIES[kind].get(name), OFFERED[kind])
    listing = dict(re.findall(r"(\w+) \((.+?)\)(?:, (?=\w+ \()|$)", signature.listing().removeprefix("It takes: ")))
    rows = tables_of(ROOT / "docs" / page).get(name, [])
    assert [row[0] for row in rows] == list(signature.parameters)
    for key, kind_cell, default, *_ in rows:
        parameter = signature.parameters[key]
        required = parameter.default is parameter.empty
        assert default == ("required" if required else default_cell(parameter.default)), key
        assert kind_cell == listing[key].rpartition(" = ")[0 if not required else 2].replace(" | ", " or "), key


def test_every_component_of_itrans_is_documented():
    listed = json.loads(call("list-plugins", "--json").output)
    own = {(row["kind"], row["name"]) for row in listed if row["distribution"] == "itrans"}
    pages = {kind_name[1:]: kind_name[0] for kind_name in COMPONENTS}
    assert own - {("method", "paired")} == set(pages)


def test_what_a_checkpoint_holds_is_what_the_page_says(workplace):
    record = torch.load(workplace / "runs" / "mine" / "checkpoints" / "last.pt", weights_only=True)
    shown = tables_of(ROOT / "docs" / "checkpoints.md")["What a file holds"]
    keys = [row[0] for row in shown]
    assert keys == [*record, *record["progress"]]
    assert set(record["training"]) == {"optimizers", "averages", "scaler"}
    best = torch.load(workplace / "runs" / "mine" / "checkpoints" / "best.pt", weights_only=True)
    assert set(best["training"]) == {"averages"}


def test_the_runs_folder_holds_what_the_start_page_says(workplace):
    shown = {row[0] for row in tables_of(ROOT / "docs" / "start.md")["The run's folder"]}
    folder = workplace / "runs" / "mine"
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert there == shown - {"checkpoints/step-0001000.pt", "SAMPLE.txt"}


# Links


def links_of(page: Path) -> list[str]:
    prose = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    prose = re.sub(r"`[^`\n]*`", "", prose)
    return re.findall(r"\]\(([^)\s]+)\)", prose)


def anchors_of(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    later = []
    for link in links_of(page):
        if re.match(r"https?://", link):
            continue
        target, _, anchor = link.partition("#")
        path = (page.parent / target).resolve() if target else page
        if path in MADE_LATER and not path.exists():
            later.append(link)
            continue
        assert path.is_file(), f"{page.name}: {link} leads nowhere"
        if page.parent.name == "docs":
            assert path.is_relative_to(ROOT / "docs"), f"{page.name}: {link} leads out of the site"
        assert not anchor or anchor in anchors_of(path), f"{page.name}: {link} has no such heading"
    if later:
        pytest.skip(f"{', '.join(later)}: the picture has not been made yet; all other links are good")


def test_the_site_has_all_pages():
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    assert [name for entry in site["nav"] for name in entry.values()] == [
        "index.md",
        "start.md",
        "recipes.md",
        "data.md",
        "labels.md",
        "experiments.md",
        "tables.md",
        "pix2pix.md",
        "explained.md",
        "zh/explained.md",
        "timm.md",
        "cyclegan.md",
        "pix2pixhd.md",
        "cgan.md",
        "first-plugin.md",
        "plugins.md",
        "generator.md",
        "discriminator.md",
        "loss.md",
        "dataset.md",
        "method.md",
        "testing.md",
        "publishing.md",
        "checkpoints.md",
        "inference.md",
        "evaluate.md",
        "sweep.md",
        "inspect.md",
        "import.md",
        "performance.md",
        "api.md",
    ]
    assert {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")} == {
        name for entry in site["nav"] for name in entry.values()
    }
