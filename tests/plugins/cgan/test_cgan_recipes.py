"""The two recipes, from the first step to drawn digits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from single_thread import single_thread as single_thread

pytest.importorskip("sklearn")

from itrans.api import load, read_image, write_image

RECIPES = Path(__file__).parents[3] / "recipes"


def label(number):
    planes = np.zeros((8, 8, 10), np.uint8)
    planes[:, :, number] = 255
    return planes


@pytest.mark.parametrize("name", ["cgan_digits", "gan_digits"])
def test_a_recipe_trains_and_its_checkpoint_draws_digits_from_labels(itrans, name):
    done = itrans("run", RECIPES / f"{name}.toml", "-o", "run", "--set", "train.steps=2")
    assert done.exit_code == 0, done.output
    for number in (3, 7):
        write_image(f"labels/{number}.npy", label(number))
    done = itrans("translate", "run/checkpoints/best.pt", "labels", "-o", "out", "--samples", "3", "--seed", "5")
    assert done.exit_code == 0, done.output
    assert "2 of 2 pictures translated into out (mode paper, 3 samples each, seeds 5 to 7)" in done.output
    assert "Warning" not in done.output
    drawn = {path.name: read_image(path) for path in Path("out").iterdir()}
    assert sorted(drawn) == [f"{number}-{sample}.npy" for number in (3, 7) for sample in (1, 2, 3)]
    assert {picture.shape for picture in drawn.values()} == {(8, 8, 1)}
    distinct = {picture.tobytes() for picture in drawn.values()}
    # without labels, the noise of a seed makes the same digit whatever is asked for
    assert len(distinct) == (6 if name == "cgan_digits" else 3)
    translator = load("run/checkpoints/best.pt", seed=6)
    assert np.array_equal(translator.translate(label(7)), drawn["7-2.npy"])


def test_a_label_of_another_size_is_reported_by_name_and_the_others_are_drawn(itrans):
    itrans("run", RECIPES / "cgan_digits.toml", "-o", "run", "--set", "train.steps=1")
    write_image("labels/good.npy", label(3))
    write_image("labels/wide.npy", np.concatenate([label(3), label(3)], axis=1))
    done = itrans("translate", "run/checkpoints/last.pt", "labels", "-o", "out", "--samples", "2")
    assert done.exit_code == 2
    assert "1 of 2 pictures" in done.output
    assert done.stderr.count("wide.npy") == 1
    assert "8x8" in done.stderr
    assert "16x8" in done.stderr
    assert sorted(path.name for path in Path("out").iterdir()) == ["good-1.npy", "good-2.npy"]
