"""What the tests of `itrans inspect --explain` share: checkpoints of one step, and what is measured."""

from __future__ import annotations

import json
from pathlib import Path

import tomli_w
from click.testing import CliRunner

from itrans.cli import cli

SIZE = 32
RECIPE = {
    "title": "small <b>",
    "generator": {"name": "unet", "depth": 3, "filters": 4, "dropout": 0.0},
    "discriminator": {"name": "patchgan", "patch": 16, "filters": 4},
    "loss": [{"name": "cgan"}, {"name": "l1", "weight": 100.0}],
    "train": {"steps": 1, "batch_size": 2, "precision": "fp32"},
}
LEVELS, SKIPS, LOGITS = "What every level sees", "Without a skip connection", "What the discriminator says"
GRADIENT, NOISE, MODES = "The gradient that one logit sends back", "The noise z: other seeds", "Paper or running"


def call(*words: object):
    return CliRunner().invoke(cli, [str(word) for word in words], prog_name="itrans")


def trained(place: Path, name: str, **changes: object) -> Path:
    """Return the checkpoint of a run of one step; a table that is None is left out."""
    tables = {"dataset": {"name": "aligned", "root": (place / "data").as_posix()}, **RECIPE, **changes}
    recipe = place / f"{name}.toml"
    recipe.write_text(tomli_w.dumps({key: table for key, table in tables.items() if table}), encoding="utf-8")
    done = call("run", recipe, "-o", place / name)
    assert done.exit_code == 0, done.output
    return place / name / "checkpoints" / "last.pt"


def explained(checkpoint: Path, picture: object, folder: Path, *words: object) -> dict:
    """Return what was measured of a picture, by section."""
    done = call("inspect", checkpoint, "--explain", picture, "-o", folder, "--force", "--json", *words)
    assert done.exit_code == 0, done.output
    [found] = json.loads(done.stdout)["explained"].values()
    assert [section for section in found["sections"].values() if "cannot be looked at" in section["absent"]] == []
    return found["sections"]
