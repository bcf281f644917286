"""A recipe whose parts do not agree on a scale is refused before training, with its line."""

from __future__ import annotations

import pytest

from itrans.api import RecipeError, train

RECIPE = {
    "dataset": {"name": "super_resolution", "sample": "facades", "scale": 2},
    "augment": {"crop": 16},
    "generator": {"name": "edsr", "scale": 2, "filters": 4, "blocks": 1},
    "loss": [{"name": "l1"}],
    "train": {"steps": 1, "batch_size": 2, "precision": "fp32", "workers": 0},
    "validation": {"pairs": 2},
}


def trained(tmp_path, **values):
    return train(RECIPE, set=values, output=tmp_path / "run", progress=False)


@pytest.mark.parametrize("scales", [(2, 3), (4, 1)])
def test_two_scales_are_refused_with_both_named(itrans, tmp_path, scales):
    (tmp_path / "sr.toml").write_text(
        f'[dataset]\nname = "super_resolution"\nsample = "facades"\nscale = {scales[0]}\n[generator]\nname = "edsr"\n'
        f'scale = {scales[1]}\nfilters = 4\nblocks = 1\n[[loss]]\nname = "l1"\n[train]\nsteps = 1\n'
    )
    done = itrans("run", "sr.toml")
    assert done.exit_code == 2
    assert "sr.toml:" in done.stderr
    assert '"edsr"' in done.stderr
    assert '"super_resolution"' in done.stderr
    assert all(f"{scale} times" in done.stderr for scale in scales)
    assert not [*tmp_path.glob("runs/*/checkpoints/*.pt")]


def test_a_transform_of_both_sides_is_refused(tmp_path):
    transforms = [{"name": "RandomBrightnessContrast", "on": "source"}, {"name": "Rotate"}]
    with pytest.raises(RecipeError, match=r'augment.transform.1\n.*"Rotate".*on = "source"'):
        trained(tmp_path, **{"augment.transform": transforms})


def test_a_transform_of_sources_is_not(tmp_path):
    run = trained(tmp_path, **{"augment.transform": [{"name": "RandomBrightnessContrast", "on": "source", "p": 1.0}]})
    assert run.metrics["psnr"] > 0


@pytest.mark.parametrize("discriminator", [{"name": "patchgan", "patch": 16, "filters": 4}])
def test_a_conditional_discriminator_sees_the_source_in_the_target_s_size(tmp_path, discriminator):
    losses = [{"name": "cgan"}, {"name": "l1", "weight": 100.0}]
    told = {}
    train(
        RECIPE,
        set={"discriminator": discriminator, "loss": losses},
        output=tmp_path / "run",
        on_step=lambda _, found: told.update(found),
        progress=False,
    )
    assert {"generator.cgan", "discriminator.cgan", "generator.l1"} <= told.keys()


def test_a_size_that_is_no_number_of_pixels_of_the_target_is_refused(tmp_path):
    import numpy as np

    from itrans.api import write_image

    for index in range(8):
        for name, side in (("large", 12), ("small", 6)):
            write_image(tmp_path / "mine" / name / f"{index}.png", np.full((side, side, 3), 9 * index, np.uint8))
    dataset = {"name": "paired", "root": str(tmp_path / "mine"), "source": "large", "target": "small", "scale": 0.5}
    dataset["holdout"] = 0.5
    recipe = RECIPE | {"dataset": dataset, "augment": {"crop": 5}, "generator": {"name": "unet", "depth": 2}}
    with pytest.raises(RecipeError, match=r"generator\n.*1 times.*1/2 times"):
        train(recipe, output=tmp_path / "run", progress=False)
    from itrans.recipe.load import load_recipe
    from itrans.training.build import build_dataset, build_items

    loaded = load_recipe(recipe)
    with pytest.raises(RecipeError, match=r"augment.crop\n.*5x5.*1/2"):
        build_items(loaded, build_dataset(loaded, "train"), training=True)
