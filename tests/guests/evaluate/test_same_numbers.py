"""What a run has logged of its last validation is what `itrans evaluate` finds, to the last bit."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from cli.printed import json_of

COMMON = """
seed = 5
[generator]
name = "unet"
depth = 5
filters = 4
[augment]
size = 32
[train]
batch_size = {batch}
epochs = 1
precision = "fp32"
"""
DATA = {
    "image": 'name = "aligned"\nroot = "pictures"\n[[loss]]\nname = "l1"\n',
    "colorization": 'name = "colorization"\nroot = "photos"\n[[loss]]\nname = "l1"\n',
    "labels": 'name = "labels"\nroot = "maps"\ndirection = "photo_to_labels"\nclasses = 4\nignored = 200\n'
    '[[loss]]\nname = "cross_entropy"\n',
}


@pytest.fixture
def pictures(tmp_path):
    """Eight pairs to train on and five held-out ones, of several kinds."""
    noise = np.random.default_rng(0)
    for split, number in (("train", 8), ("val", 5)):
        for index in range(number):
            photo = cv2.resize(noise.integers(0, 256, (5, 5, 3), dtype=np.uint8), (32, 32))
            classes = photo[..., 0] // 64
            classes[:3] = 200
            for place, picture in (
                (f"pictures/{split}", np.hstack([photo, 255 - photo])),
                (f"photos/{split}", photo),
                (f"maps/{split}/photos", photo),
                (f"maps/{split}/labels", classes),
            ):
                (tmp_path / place).mkdir(parents=True, exist_ok=True)
                assert cv2.imwrite(str(tmp_path / place / f"{index}.png"), picture)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(
    "settings",
    [
        [],
        ["--set", "train.ema=0.9"],
        ["--set", "train.precision=bf16"],
        ["--set", "train.precision=bf16", "--set", "generator.filters=48", "--set", "generator.depth=4"],
    ],
    ids=["", "averaged", "bf16", "bf16 and wide"],
)
@pytest.mark.parametrize("kind", list(DATA))
def test_evaluate_finds_what_validation_has_logged(itrans, tmp_path, pictures, kind, batch, settings):
    (tmp_path / "r.toml").write_text(COMMON.format(batch=batch) + "[dataset]\n" + DATA[kind])
    done = itrans("run", "r.toml", "-o", "run", *settings)
    assert done.exit_code == 0, done.output
    lines = map(json.loads, Path("run/log.jsonl").read_text().splitlines())
    logged = [line["metrics"] for line in lines if line["event"] == "validation"][-1]
    found = json_of(itrans("evaluate", "run/checkpoints/last.pt", "--split", "val", "--json"))["scores"]
    assert {name: found[name]["value"] for name in logged} == logged
    others = [] if kind != "colorization" else ["l1 (RGB)", "psnr (RGB)", "ssim (RGB)"]
    assert [name for name in found if name not in logged] == others
