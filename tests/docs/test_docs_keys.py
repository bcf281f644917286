"""The tables of keys, arguments and files say what the schema, the signatures and a run say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
from docs.pages import ROOT
from pydantic_core import PydanticUndefined

from itrans.errors import ItransError
from itrans.recipe import schema
from itrans.recipe.load import load_recipe
from itrans.recipe.parts import OFFERED
from itrans.recipe.signature import Signature, type_text
from itrans.registry import GENERATORS, REGISTRIES


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
    return type_text(annotation).replace("list of Transform", "list of tables").replace(" | ", " or ")


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
    "tracker": schema.Component,
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
        f"[[{name}]]" if name in {"loss", "augment.transform", "tracker"} else f"[{name}]"
        for name in set(RECIPE_TABLES) - simple
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
    ("super-resolution.md", "dataset", "super_resolution"),
    ("super-resolution.md", "generator", "edsr"),
    ("prepare.md", "dataset", "shards"),
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
    ("cut.md", "method", "cut"),
    ("cut.md", "loss", "patch_nce"),
    ("bridge.md", "method", "bridge"),
    ("bridge.md", "generator", "bridge_unet"),
    ("stargan.md", "method", "stargan"),
    ("stargan.md", "loss", "wasserstein"),
    ("stargan.md", "dataset", "domains"),
    ("stargan.md", "dataset", "coloured_faces"),
    ("pix2pixhd.md", "generator", "global"),
    ("pix2pixhd.md", "generator", "local_enhancer"),
    ("pix2pixhd.md", "discriminator", "multiscale"),
    ("pix2pixhd.md", "loss", "feature_matching"),
    ("pix2pixhd.md", "dataset", "instance_maps"),
    ("bicycle.md", "method", "bicycle"),
    ("bicycle.md", "generator", "latent_unet"),
    ("spade.md", "method", "spade"),
    ("spade.md", "generator", "spade"),
    ("cgan.md", "generator", "noise_mlp"),
    ("cgan.md", "discriminator", "mlp"),
    ("cgan.md", "dataset", "digits"),
    ("cgan.md", "dataset", "idx"),
    ("tracker.md", "tracker", "jsonl"),
    ("tracker.md", "tracker", "tensorboard"),
    ("tracker.md", "tracker", "wandb"),
    ("tracker.md", "tracker", "mlflow"),
    ("report.md", "page", "report"),
    ("evaluate.md", "metric", "l1"),
    ("evaluate.md", "metric", "psnr"),
    ("evaluate.md", "metric", "ssim"),
    ("evaluate.md", "metric", "ms_ssim"),
    ("evaluate.md", "metric", "lpips"),
    ("evaluate.md", "metric", "lpips_vgg"),
    ("evaluate.md", "metric", "lpips_squeeze"),
    ("evaluate.md", "metric", "accuracy"),
    ("evaluate.md", "metric", "class_accuracy"),
    ("evaluate.md", "metric", "class_iou"),
    *(("spandrel_arguments.md", "generator", name) for name in GENERATORS.names() if name.startswith("spandrel_")),
]


@pytest.mark.parametrize(("page", "kind", "name"), COMPONENTS)
def test_arguments_of_components_are_those_of_their_signatures(page, kind, name):
    signature = Signature(REGISTRIES[kind].get(name), OFFERED[kind])
    listing = dict(re.findall(r"(\w+) \((.+?)\)(?:, (?=\w+ \()|$)", signature.listing().removeprefix("It takes: ")))
    tables = tables_of(ROOT / "docs" / page)
    rows = tables.get(f"The {kind} `{name}", tables.get(name, []))  # where two kinds share a name
    assert [row[0] for row in rows] == list(signature.parameters)
    for key, kind_cell, default, *_ in rows:
        parameter = signature.parameters[key]
        required = parameter.default is parameter.empty
        assert default == ("required" if required else default_cell(parameter.default)), key
        assert kind_cell == listing[key].rpartition(" = ")[0 if not required else 2].replace(" | ", " or "), key


def test_every_component_of_itrans_is_documented(itrans):
    listed = json.loads(itrans("list-plugins", "--json").output)
    own = {(row["kind"], row["name"]) for row in listed if row["distribution"] == "itrans"}
    pages = {kind_name[1:]: kind_name[0] for kind_name in COMPONENTS}
    assert own - {("method", "paired")} == set(pages)


def test_what_a_checkpoint_holds_is_what_the_page_says(workplace):
    record = torch.load(workplace / "runs" / "mine" / "checkpoints" / "last.pt", weights_only=True)
    shown = tables_of(ROOT / "docs" / "checkpoints.md")["What a file holds"]
    keys = [row[0] for row in shown]
    assert keys == [*record, *record["progress"]]
    assert set(record["training"]) == {"optimizers", "updates", "averages", "scaler"}
    best = torch.load(workplace / "runs" / "mine" / "checkpoints" / "best.pt", weights_only=True)
    assert set(best["training"]) == {"averages"}


def test_the_runs_folder_holds_what_the_start_page_says(workplace):
    shown = {row[0] for row in tables_of(ROOT / "docs" / "start.md")["The run's folder"]}
    folder = workplace / "runs" / "mine"
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    there = {"page/" if name.startswith("page/") else name for name in files}
    assert there == shown - {"checkpoints/step-0001000.pt", "SAMPLE.txt"}


ELSEWHERE = {
    "dataset.root": '"pictures"',
    "augment.resize": "286",
    "augment.crop": "256",
    "generator.filters": "32",
    "discriminator.filters": "32",
    "loss.gan.objective": '"vanilla"',
    "loss.l1.weight": "50.0",
    "loss.cycle.weight": "5.0",
    "method.pool": "20",
    "train.batch_size": "4",
    "optimizer.lr": "1e-4",
    "checkpoint.every": "1000",
    "train.workers": "2",
}
"""Values for the keys that the page on other programs names without one."""


def test_options_of_another_program_are_keys_of_these_recipes():
    section = (ROOT / "docs" / "comparison.md").read_text(encoding="utf-8").partition("## Coming from")[2]
    cells = [line.split(" | ")[1] for line in section.partition("\n## ")[0].splitlines() if line.startswith("| `-")]
    recipes = [ROOT / "recipes" / f"{name}.toml" for name in ("pix2pix_facades", "cyclegan_horse2zebra")]
    tried = set()
    for key, *values in re.findall(r"`([a-z_]+(?:\.[a-z_0-9]+)+)`(?: = `([^`]+)`(?:, `([^`.]+)`)?)?", "|".join(cells)):
        for value in [value for value in values if value] or [ELSEWHERE[key]]:
            faults = [fault for recipe in recipes if (fault := fault_of(recipe, f"{key}={value}"))]
            assert len(faults) < len(recipes), faults
            tried.add(key)
    assert tried >= ELSEWHERE.keys()


def fault_of(recipe: Path, override: str) -> str:
    """Return what is wrong with a recipe when one of its keys is changed, or an empty text."""
    try:
        load_recipe(recipe, overrides=[override], sample=False)
    except ItransError as error:
        return str(error)
    return ""
