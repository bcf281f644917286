"""`itrans translate` of label maps, in the files that label maps are stored in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from plugins.datasets.streets import palette_png

from itrans.api import ImageSpec, OutputError, read_image, write_image
from itrans.translating.jobs import Job, jobs_that_fit

RECIPE = """
title = "labels to photos"
dataset = { name = "facades_sample", size = 32, count = 4 }
generator = { name = "unet", depth = 3, filters = 4 }
loss = [{ name = "l1" }]
train = { steps = 1, precision = "fp32" }
"""


@pytest.fixture
def checkpoint(itrans, tmp_path):
    (tmp_path / "r.toml").write_text(RECIPE)
    assert itrans("run", "r.toml", "-o", "run").exit_code == 0
    return "run/checkpoints/last.pt"


def test_a_palette_png_is_the_label_map_of_its_indices(itrans, tmp_path, checkpoint):
    indices = np.random.default_rng(0).integers(0, 8, (24, 32, 1), dtype=np.uint8)
    colours = np.random.default_rng(1).integers(0, 256, (8, 3)).tolist()
    write_image(tmp_path / "in/values.png", indices)
    (tmp_path / "in/palette.png").write_bytes(palette_png(indices, colours))
    done = itrans("translate", checkpoint, "in", "-o", "out")
    assert done.exit_code == 0, done.output
    one, other = (read_image(tmp_path / "out" / name) for name in ("values.png", "palette.png"))
    assert one.shape == (24, 32, 3)
    assert np.array_equal(one, other)


def test_what_is_no_label_map_is_named_and_the_others_are_translated(itrans, tmp_path, checkpoint):
    picture = np.zeros((24, 32, 3), np.uint8)
    write_image(tmp_path / "in/blurred.jpg", picture)
    write_image(tmp_path / "in/colours.png", picture)
    write_image(tmp_path / "in/good.png", picture[:, :, :1])
    write_image(tmp_path / "in/high.png", picture[:, :, :1] + 8)
    done = itrans("translate", checkpoint, "in", "-o", "out")
    assert done.exit_code == 2
    assert "blurred.jpg is a JPEG, which blurs the values of a label map" in done.stderr
    assert "colours.png" in done.stderr
    assert "Colours are not looked up" in done.stderr
    assert "value 8 at x = 0, y = 0" in done.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good.png"]


def test_a_label_map_is_written_where_nothing_is_lost():
    labels, job = ImageSpec(1, kind="labels", labels=3), Job(Path("photo.png"), (Path("map.jpg"),))
    with pytest.raises(OutputError, match=r"map\.jpg would blur the values"):
        jobs_that_fit([job], ImageSpec(3), labels, named=True)
    assert jobs_that_fit([job], ImageSpec(3), ImageSpec(1), named=True) == [job]
