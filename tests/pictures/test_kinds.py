"""Kinds of pictures: the four that there are, and one that somebody else brings."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from itrans import plugins
from itrans.api import DATASETS, CheckpointError, DataError, ImageSpec, load, read_image, register_kind, write_image
from itrans.pictures.kinds import KINDS, Ab, Image, kind_of

CODE = '''
import numpy as np
from itrans.api import DATASETS, ImageSpec, Kind, Pair, register_kind


def lengths(images):
    return np.linalg.norm(np.asarray(images, np.float32) / 127.5 - 1, axis=-1, keepdims=True)


class Normals(Kind):
    """Unit vectors: x, y and z from -1 to 1 as 0 to 255."""

    def fault(self, image, spec):
        return None if abs(lengths(image) - 1).max() < 0.05 else "has vectors whose length is not 1"

    def arrays(self, planes, spec, dtype=None):
        return super().arrays(planes / planes.float().norm(dim=1, keepdim=True).clamp(min=1e-6), spec, dtype)


register_kind("normals", Normals())


@DATASETS.register("bumps")
class Bumps:
    """Heights and the normals of them, `short` of them too short."""

    def __init__(self, split: str, *, short: float = 1.0) -> None:
        self.source, self.target = ImageSpec(1), ImageSpec(3, kind="normals")
        self._short = short

    def __len__(self):
        return 4

    def __getitem__(self, index):
        heights = np.random.default_rng(index).random((32, 32))
        down, across = np.gradient(heights)
        vectors = np.stack([-across, -down, np.ones_like(heights)], axis=2)
        vectors *= self._short / np.linalg.norm(vectors, axis=2, keepdims=True)
        stored = [np.rint(values * 255).astype(np.uint8) for values in (heights[..., None], (vectors + 1) / 2)]
        return Pair(*stored, str(index))
'''


@pytest.fixture
def bumps(tmp_path, recipe):
    """A recipe for normals, and the file that knows what they are."""
    KINDS.pop("normals", None)  # which a page of the docs adds, too
    head, _, tail = recipe.read_text().partition("[dataset]")
    recipe.write_text(f'{head}[dataset]\nname = "bumps"\n\n[generator]{tail.partition("[generator]")[2]}')
    code = tmp_path / "bumps.py"
    code.write_text(CODE)
    yield recipe, code
    KINDS.pop("normals", None)
    DATASETS._local.pop("bumps", None)


def lengths(image):
    return np.linalg.norm(image / 127.5 - 1, axis=2)


def test_a_kind_of_somebody_else_is_trained_shown_and_translated(itrans, bumps, tmp_path):
    recipe, code = bumps
    done = itrans("run", recipe, "--code", code, "-o", "out", "--set", "train.epochs=1")
    assert done.exit_code == 0, done.output
    grids = sorted((tmp_path / "out" / "samples").glob("*.png"))
    assert grids
    assert read_image(grids[-1]).shape[2] == 3
    write_image("heights/one.png", np.random.default_rng(9).integers(0, 256, (40, 24, 1), dtype=np.uint8))
    done = itrans("translate", "out", "heights", "-o", "normals")
    assert done.exit_code == 0, done.output
    assert load("out").target.kind == "normals"
    normals = read_image("normals/one.png")
    assert normals.shape == (40, 24, 3)
    assert abs(lengths(normals) - 1).max() < 0.02


def test_its_check_names_the_pair(itrans, bumps):
    recipe, code = bumps
    done = itrans("run", recipe, "--code", code, "-o", "out", "--set", "dataset.short=0.5")
    assert done.exit_code == 2
    assert "0: the target has vectors whose length is not 1." in done.stderr


def test_a_checkpoint_of_a_kind_that_is_not_known_is_of_something_newer(itrans, bumps):
    recipe, code = bumps
    assert itrans("run", recipe, "--code", code, "-o", "out", "--set", "train.epochs=1").exit_code == 0
    del KINDS["normals"]
    with pytest.raises(CheckpointError, match='target.kind = "normals".*--code FILE.*newer itrans'):
        load("out")


def test_the_package_of_the_data_set_brings_the_kind_to_a_checkpoint(itrans, bumps, install):
    recipe, _ = bumps
    source = CODE.replace('@DATASETS.register("bumps")\n', "")
    install("acme-normals", "1.0", "[itrans.datasets]\nbumps = acme_normals:Bumps", acme_normals=source)
    assert itrans("run", recipe, "-o", "out", "--set", "train.epochs=1").exit_code == 0
    del KINDS["normals"], sys.modules["acme_normals"]
    plugins.forget()
    assert load("out").target.kind == "normals"
    assert "normals" in KINDS


def test_an_unknown_kind_is_refused_with_the_nearest():
    with pytest.raises(DataError, match=r'no kind of pictures "lables"\. Did you mean "labels"\? There are: image, '):
        ImageSpec(1, kind="lables")


def test_names_are_not_taken_twice():
    with pytest.raises(DataError, match='"labels" already'):
        register_kind("labels", Image())
    register_kind("ab", Ab())  # as where a module is imported again


@pytest.mark.parametrize(
    ("spec", "planes"),
    [
        (ImageSpec(3), 3),
        (ImageSpec(5, dtype="float32"), 5),
        (ImageSpec(1, kind="labels", labels=7), 7),
        (ImageSpec(1, kind="lightness"), 1),
        (ImageSpec(2, kind="ab"), 2),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_what_is_stored_becomes_planes_and_comes_back(spec, planes):
    most = {"uint8": spec.labels or 256, "float32": 1}[spec.dtype]
    image = (np.random.default_rng(0).random((6, 5, spec.channels)) * most).astype(spec.dtype)
    kind = kind_of(spec)
    seen = kind.planes(torch.from_numpy(image).permute(2, 0, 1)[None], spec)
    assert seen.shape == (1, planes, 6, 5)
    assert seen.dtype == torch.float32
    assert seen.abs().max() <= 1
    assert kind.fault(image, spec) is None
    np.testing.assert_allclose(kind.arrays(seen, spec)[0], image, rtol=0, atol=1e-6)


def test_ab_is_put_on_the_lightness_it_was_made_from_and_on_nothing_else():
    ab, lightness = ImageSpec(2, kind="ab"), ImageSpec(1, kind="lightness")
    images, sources = [np.full((4, 4, 2), 128, np.uint8)], [np.full((4, 4, 1), 90, np.uint8)]
    (colours,) = KINDS["ab"].outputs(images, ab, sources, lightness)
    assert colours.shape == (4, 4, KINDS["ab"].output_spec(ab, lightness).channels)
    assert (colours == colours[0, 0, 0]).all()
    grey = ImageSpec(1)
    assert KINDS["ab"].outputs(images, ab, sources, grey) is images
    assert KINDS["ab"].output_spec(ab, grey) is ab


@pytest.mark.parametrize(("name", "kind"), [("mine", "text"), ("mine", Image), ("x y", Image()), (3, Image())])
def test_what_is_no_kind_is_refused_when_it_is_registered(name, kind):
    with pytest.raises(DataError, match=r"takes a name and an object"):
        register_kind(name, kind)
    assert name not in KINDS
