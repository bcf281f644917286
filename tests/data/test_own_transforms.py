"""Transforms that are components: found beside albumentations' classes, checked, and drawn by seed, epoch and index."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch

from itrans.api import TRANSFORMS, ImageSpec
from itrans.commands import load_recipe
from itrans.data.augment import PairTransform
from itrans.errors import DataError, RecipeError
from itrans.records import Pair
from itrans.training.build import build_dataset, build_items

PARTS = '''
    from typing import Annotated

    import numpy as np
    from annotated_types import Ge


    class Speckle:
        """Multiplies every value by a random number."""

        def __init__(self, *, strength: Annotated[float, Ge(0)] = 0.2) -> None:
            self.strength = strength

        def __call__(self, image, rng):
            values = image * rng.normal(1, self.strength, image.shape)
            return values.clip(0, 1.0 if image.dtype == np.float32 else 255).astype(image.dtype)


    class Roll:
        """Moves pixels around the edges."""

        def __call__(self, image, rng):
            return np.roll(image, rng.integers(1, 8, 2), axis=(0, 1))

        labels = __call__


    class Odd:
        def __init__(self, *, how: str = "size"):
            self.how = how

        def __call__(self, image, rng):
            if self.how == "raise":
                raise RuntimeError("no light")
            return image[1:] if self.how == "size" else image.astype(np.float64)
'''
ENTRY_POINTS = """\
    [itrans.transforms]
    speckle = itrans_acme:Speckle
    roll = itrans_acme:Roll
    odd = itrans_acme:Odd
    HorizontalFlip = itrans_acme:Speckle
"""


@pytest.fixture
def acme(install):
    install("itrans-acme", "1.0", ENTRY_POINTS, itrans_acme=PARTS)


def with_transforms(recipe: Path, *tables: str) -> Path:
    text = recipe.read_text().partition("\n[[augment")[0]
    recipe.write_text(text + "".join(f"\n[[augment.transform]]\n{table}\n" for table in tables))
    return recipe


def items_of(path: Path):
    loaded = load_recipe(path)
    return build_items(loaded, build_dataset(loaded, "train"), training=True)


def drawn(path: Path, position: int = 0, epoch: int = 0) -> Pair:
    from itrans.data.sampler import Draw

    found = items_of(path)[Draw(epoch, position)]
    if isinstance(found, Exception):
        raise found
    return found


@pytest.mark.usefixtures("acme")
def test_one_state_decides_for_both_pictures(recipe, aligned):
    plain = drawn(recipe)
    rolled = drawn(with_transforms(recipe, 'name = "roll"'))
    shifts = [
        (y, x)
        for y in range(1, 8)
        for x in range(1, 8)
        if np.array_equal(np.roll(plain.source, (y, x), (0, 1)), rolled.source)
    ]
    assert len(shifts) == 1
    assert np.array_equal(np.roll(plain.target, shifts[0], (0, 1)), rolled.target)
    again, other = drawn(recipe), drawn(recipe, epoch=1)
    assert np.array_equal(again.source, rolled.source)
    assert not np.array_equal(other.source, rolled.source)
    noisy = drawn(with_transforms(recipe, 'name = "speckle"\non = "source"'))
    assert not np.array_equal(noisy.source, plain.source)
    assert np.array_equal(noisy.target, plain.target)


@pytest.mark.usefixtures("acme")
def test_they_stand_in_a_row_with_classes_of_albumentations(recipe):
    flip, roll = 'name = "VerticalFlip"\np = 1.0', 'name = "roll"'
    first, second = drawn(with_transforms(recipe, flip, roll)), drawn(with_transforms(recipe, roll, flip))
    assert not np.array_equal(first.source, second.source)
    assert np.array_equal(255 - first.source, first.target)
    assert np.array_equal(255 - second.source, second.target)
    plain, flipped = drawn(with_transforms(recipe)), drawn(with_transforms(recipe, flip))
    assert np.array_equal(plain.source[::-1], flipped.source)


@pytest.mark.usefixtures("acme")
def test_a_class_goes_before_a_component_of_its_name(recipe):
    plain = drawn(recipe)
    flipped = drawn(with_transforms(recipe, 'name = "HorizontalFlip"\np = 1.0'))
    assert np.array_equal(plain.source[:, ::-1], flipped.source)
    noisy = drawn(with_transforms(recipe, 'name = "itrans-acme:HorizontalFlip"\nstrength = 0.3'))
    assert not np.array_equal(noisy.source, plain.source)
    assert not np.array_equal(noisy.source, flipped.source)


@pytest.mark.usefixtures("acme")
def test_arguments_are_checked_with_lines_and_defaults_written_out(recipe):
    with_transforms(
        recipe, 'name = "Rotate"', 'name = "speckle"\nstrenght = 1.0', 'name = "roll"\nmost = 3', 'name = "spekle"'
    )
    lines = recipe.read_text().splitlines()
    with pytest.raises(RecipeError) as found:
        load_recipe(recipe)
    told = [str(problem) for problem in found.value.problems]
    assert len(told) == 3
    assert told[0].startswith(f"{recipe}:{lines.index('strenght = 1.0') + 1}  augment.transform.1.strenght\n")
    assert 'The transform "speckle" (itrans-acme 1.0)' in told[0]
    assert 'Did you mean "strength"' in told[0]
    assert "augment.transform.2.most" in told[1]
    assert 'Did you mean "speckle"' in told[2]
    with_transforms(recipe, 'name = "speckle"\nstrength = -1.0')
    with pytest.raises(RecipeError, match="greater than or equal to 0"):
        load_recipe(recipe)
    loaded = load_recipe(with_transforms(recipe, 'name = "speckle"'))
    assert loaded.resolved["augment"]["transform"] == [{"name": "speckle", "on": "both", "strength": 0.2}]


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("size", 'augment.transform.0 ("odd") fails on 3 channels of uint8: it makes 16x15 out of 16x16'),
        ("type", 'augment.transform.0 ("odd") makes the source 3 channels of float64'),
        ("raise", 'augment.transform.0 ("odd") fails on 3 channels of uint8: no light'),
    ],
)
def test_one_that_fails_is_named(recipe, how, words):
    with_transforms(recipe, f'name = "odd"\non = "source"\nhow = "{how}"', 'name = "roll"')
    with pytest.raises(DataError) as found:
        drawn(recipe)
    assert words in str(found.value)


@pytest.mark.usefixtures("acme")
def test_runs_repeat_with_any_number_of_workers_and_record_them(recipe, itrans):
    with_transforms(recipe, 'name = "roll"', 'name = "speckle"\non = "source"')
    states = []
    for workers in (0, 2):
        done = itrans(
            "run", recipe, "-o", f"run{workers}", "--set", f"train.workers={workers}", "--set", "validation.every=0"
        )
        assert done.exit_code == 0, done.output
        states.append(torch.load(f"run{workers}/checkpoints/last.pt", weights_only=True))
    for name, tensor in states[0]["networks"]["generator"].items():
        assert torch.equal(tensor, states[1]["networks"]["generator"][name])
    recorded = {(c["kind"], c["name"]): c["distribution"] for c in states[0]["components"]}
    assert recorded["transform", "roll"] == "itrans-acme"
    assert tomllib.loads(Path("run0/recipe.toml").read_text())["augment"]["transform"][1]["strength"] == 0.2
    done = itrans("list-plugins", "transform", "--json")
    assert {row["name"] for row in json.loads(done.stdout)} == {"speckle", "roll", "odd", "HorizontalFlip"}


@pytest.mark.usefixtures("acme")
def test_label_maps_move_without_mixing_and_keep_their_values(tmp_path):
    path = tmp_path / "labels.toml"
    base = (
        '[dataset]\nname = "facades_sample"\nsize = 32\ncount = 4\n[generator]\nname = "unet"\n[[loss]]\nname = "l1"\n'
        "[train]\nsteps = 1\n"
    )
    path.write_text(base)
    plain = drawn(path)
    rolled = drawn(with_transforms(path, 'name = "roll"'))
    assert not np.array_equal(plain.source, rolled.source)
    assert sorted(np.unique(plain.source)) == sorted(np.unique(rolled.source))
    noisy = drawn(with_transforms(path, 'name = "speckle"'))
    assert np.array_equal(plain.source, noisy.source)
    assert not np.array_equal(plain.target, noisy.target)


@pytest.mark.usefixtures("acme")
def test_floats_with_a_range_are_mapped_there_and_back(recipe):
    from itrans.pictures.kinds import kind_of

    loaded = load_recipe(with_transforms(recipe, 'name = "speckle"'))
    spec = ImageSpec(1, dtype="float32", low=250, high=330)
    transform = PairTransform(loaded.tables.augment, spec, spec, own=loaded.transforms())
    values = np.full((16, 16, 1), 290, np.float32)
    done = transform(Pair(values, values, "a"), 1)
    assert kind_of(spec).fault(done.source, spec) is None
    assert done.source.std() > 1
    assert np.array_equal(done.source, done.target)


@pytest.mark.parametrize(
    ("makes", "words"),
    [
        (
            lambda image: image * np.float32("nan"),
            'augment.transform.0 ("made") fails on 1 channel of float32: it makes',
        ),
        (
            lambda image: image.tolist(),
            'augment.transform.0 ("made") makes the source something that is no longer a picture',
        ),
    ],
)
def test_one_that_spoils_floats_with_a_range_is_named(recipe, makes, words):
    class Made:
        def __call__(self, image, rng):
            return makes(image)

    TRANSFORMS.register("made", replace=True)(Made)
    try:
        loaded = load_recipe(with_transforms(recipe, 'name = "made"\non = "source"'))
        spec = ImageSpec(1, dtype="float32", low=250, high=330)
        transform = PairTransform(loaded.tables.augment, spec, spec, own=loaded.transforms())
        values = np.full((16, 16, 1), 290, np.float32)
        with pytest.raises(DataError) as found:
            transform(Pair(values, values, "a"), 1)
    finally:
        TRANSFORMS.unregister("made")
    assert words in str(found.value)


def test_albumentations_is_not_imported_for_them(install, recipe, tmp_path):
    site = install("itrans-acme", "1.0", ENTRY_POINTS, itrans_acme=PARTS)
    with_transforms(recipe, 'name = "roll"')
    program = (
        "import sys, itrans.api\n"
        f"sys.path.insert(0, {str(site)!r})\n"
        "from itrans.commands import load_recipe\n"
        f"load_recipe({str(recipe)!r})\n"
        "print('albumentations' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout == "False\n", done.stderr
