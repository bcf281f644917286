"""The networks of pix2pixHD, its loss, its data, and the two stages."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from single_thread import single_thread as single_thread

from itrans.api import DATASETS, DISCRIMINATORS, GENERATORS, LOSSES, DataError, MissingSplitError, Translated
from itrans.testing import check_discriminator, check_generator, check_loss


def convolution(inputs, outputs, kernel):
    return inputs * outputs * kernel**2 + outputs


def global_parameters(inputs, filters, downsamplings, blocks):
    """Return the parameters of the global generator but its last layer; instance normalisation has none."""
    count = convolution(inputs, filters, 7)
    width = filters
    for _ in range(downsamplings):
        count += convolution(width, 2 * width, 3)
        width *= 2
    count += blocks * 2 * convolution(width, width, 3)
    for _ in range(downsamplings):
        count += convolution(width, width // 2, 3)
        width //= 2
    return count


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def test_the_global_generator_has_the_papers_layers():
    with torch.device("meta"):
        network = GENERATORS.build({"name": "global"}, in_channels=36, out_channels=3)
    assert parameters(network) == global_parameters(36, 64, 4, 9) + convolution(64, 3, 7)
    assert network.size_multiple == 16


def test_the_local_enhancer_wraps_a_global_generator_of_twice_the_filters():
    with torch.device("meta"):
        network = GENERATORS.build({"name": "local_enhancer"}, in_channels=36, out_channels=3)
    enhancer = convolution(36, 32, 7) + convolution(32, 64, 3) + 3 * 2 * convolution(64, 64, 3)
    enhancer += convolution(64, 32, 3) + convolution(32, 3, 7)
    assert parameters(network) == global_parameters(36, 64, 4, 9) + enhancer
    assert network.size_multiple == 32


def test_the_parts_are_what_itrans_asks():
    small = {"filters": 4, "norm": "batch"}
    check_generator("global", downsamplings=2, blocks=1, **small)
    check_generator("local_enhancer", global_downsamplings=1, global_blocks=1, blocks=1, filters=4)
    check_discriminator("multiscale", scales=2, layers=2, filters=4)
    check_loss("feature_matching")


def test_each_scale_sees_half_of_the_one_before():
    network = DISCRIMINATORS.build({"name": "multiscale", "filters": 4}, in_channels=3, condition_channels=3)
    picture = torch.zeros(1, 3, 256, 256)
    logits = network(picture, picture)
    # 256 -> 128 -> 64 -> 32 by strides, then two convolutions of stride 1 that take a pixel each
    assert [tuple(scale.shape) for scale in logits] == [(1, 1, n, n) for n in (30, 14, 6)]
    features = network.features(picture, picture)
    assert len(features) == 3 * 4
    assert [tuple(feature.shape[1:]) for feature in features[:4]] == [
        (4, 128, 128),
        (8, 64, 64),
        (16, 32, 32),
        (32, 31, 31),
    ]


def test_a_logit_of_the_first_scale_sees_70x70_pixels():
    table = {"name": "multiscale", "filters": 2, "norm": "none", "scales": 1}
    network = DISCRIMINATORS.build(table, in_channels=1, condition_channels=0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.abs_().add_(0.1)
    picture = torch.ones(1, 1, 256, 256, requires_grad=True)
    network(picture, None)[0][0, 0, 15, 15].backward()
    rows, columns = np.nonzero(picture.grad[0, 0].numpy())
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (70, 70)


def test_pictures_too_small_for_the_scales_are_refused():
    network = DISCRIMINATORS.build({"name": "multiscale", "filters": 2}, in_channels=3, condition_channels=0)
    network(torch.zeros(1, 3, 96, 96), None)
    with pytest.raises(DataError, match="at least 96x96, and this is 64x96"):
        network(torch.zeros(1, 3, 96, 64), None)


def test_feature_matching_is_the_mean_over_layers():
    target, output = torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4, requires_grad=True)
    record = Translated(target, target, output, discriminate=lambda image: [image * 2, image[:, :, :2] * 4])
    loss = LOSSES.build({"name": "feature_matching"})
    value = loss(record)
    assert float(value.detach()) == (2 + 4) / 2
    value.backward()
    assert float(output.grad.sum()) == (2 + 4) / 2


# The two stages

RECIPE = """
[dataset]
name = "aligned"
root = "{root}"

[generator]
name = "{generator}"
filters = {filters}
norm = "{norm}"
{more}

[discriminator]
name = "multiscale"
scales = 2
layers = 1
filters = 4

[[loss]]
name = "cgan"
objective = "lsgan"

[[loss]]
name = "feature_matching"
weight = 10.0

[train]
batch_size = 2
steps = 2
precision = "fp32"

[validation]
every = 0
"""
STAGE_TWO = """
blocks = 1
global_blocks = 1
global_downsamplings = 1
global_weights = "runs/one/checkpoints/last.pt"
freeze_global = {frozen}
"""


def write_stages(folder, root, *, frozen, norm="instance"):
    one = RECIPE.format(root=root, generator="global", filters=8, norm=norm, more="blocks = 1\ndownsamplings = 1")
    more = STAGE_TWO.format(frozen=str(frozen).lower())
    two = RECIPE.format(root=root, generator="local_enhancer", filters=4, norm=norm, more=more)
    (folder / "one.toml").write_text(one)
    (folder / "two.toml").write_text(two)


def state(path):
    return torch.load(path, weights_only=True)["networks"]["generator"]


@pytest.mark.parametrize("norm", ["instance", "batch"])
def test_stage_two_starts_from_stage_one_keeps_it_and_then_needs_it_no_more(itrans, aligned, tmp_path, norm):
    write_stages(tmp_path, aligned.as_posix(), frozen=True, norm=norm)
    done = itrans("run", "two.toml")
    assert done.exit_code == 2
    assert "runs/one/checkpoints/last.pt" in done.output
    assert "train stage one first" in done.output
    assert itrans("run", "one.toml").exit_code == 0
    done = itrans("run", "two.toml", "--stop-after", "1")
    assert done.exit_code == 130, done.output
    first, second = state("runs/one/checkpoints/last.pt"), state("runs/two/checkpoints/last.pt")
    for name, value in first.items():
        assert name.startswith("head.") or torch.equal(value, second[f"global_generator.{name}"]), name
    (tmp_path / "runs/one/checkpoints/last.pt").unlink()
    done = itrans("run", "two.toml", "--resume")
    assert done.exit_code == 0, done.output
    third = state("runs/two/checkpoints/last.pt")
    changed = {name for name, value in third.items() if not torch.equal(value, second[name])}
    assert changed
    assert not any(name.startswith("global_generator.") for name in changed)
    cv2.imwrite("picture.png", np.zeros((18, 20, 3), np.uint8))
    done = itrans("translate", "runs/two/checkpoints/last.pt", "picture.png", "-o", "out")
    assert done.exit_code == 0, done.output


def test_both_can_be_tuned_together(itrans, aligned, tmp_path):
    write_stages(tmp_path, aligned.as_posix(), frozen=False)
    assert itrans("run", "one.toml").exit_code == 0
    assert itrans("run", "two.toml").exit_code == 0
    first, second = state("runs/one/checkpoints/last.pt"), state("runs/two/checkpoints/last.pt")
    assert not torch.equal(first["encoder.0.0.weight"], second["global_generator.encoder.0.0.weight"])


def test_a_stage_one_that_does_not_fit_is_refused(itrans, aligned, tmp_path):
    write_stages(tmp_path, aligned.as_posix(), frozen=True)
    assert itrans("run", "one.toml", "--set", "generator.filters=6").exit_code == 0
    done = itrans("run", "two.toml")
    assert done.exit_code == 2
    assert "does not fit" in done.output
    (tmp_path / "runs/one/checkpoints/last.pt").write_bytes(b"something else")
    done = itrans("run", "two.toml")
    assert done.exit_code == 2
    assert "is not a checkpoint of itrans" in done.output


# Label and instance maps


@pytest.fixture
def streets(tmp_path):
    root = tmp_path / "streets"
    for kind in ("label", "inst", "img"):
        (root / f"train_{kind}").mkdir(parents=True)
    classes = np.array([[0, 0, 1, 1], [0, 0, 1, 2], [0, 0, 1, 2]], np.uint8)
    instances = np.array([[7, 7, 1000, 1000], [7, 7, 1000, 2000], [7, 7, 1001, 2000]], np.uint16)
    cv2.imwrite(str(root / "train_label/a.png"), classes)
    cv2.imwrite(str(root / "train_inst/a.png"), instances)
    cv2.imwrite(str(root / "train_img/a.png"), np.full((3, 4, 3), 9, np.uint8))
    return root


def streets_of(root, **arguments):
    return DATASETS.build({"name": "instance_maps", "root": str(root), "labels": 3, **arguments}, split="train")


def test_labels_become_planes_and_instances_their_boundaries(streets):
    dataset = streets_of(streets)
    assert (dataset.source.channels, dataset.target.channels, len(dataset)) == (4, 3, 1)
    source, target, key = dataset[0]
    assert key == "a"
    assert target.shape == (3, 4, 3)
    assert source[:, :, 0].tolist() == [[255, 255, 0, 0]] * 3
    assert source[:, :, 1].tolist() == [[0, 0, 255, 255], [0, 0, 255, 0], [0, 0, 255, 0]]
    assert source[:, :, 2].tolist() == [[0, 0, 0, 0], [0, 0, 0, 255], [0, 0, 0, 255]]
    assert source[:, :, 3].tolist() == [[0, 255, 255, 255], [0, 255, 255, 255], [0, 255, 255, 255]]
    assert streets_of(streets, instance_folder="").source.channels == 3


def test_values_that_are_no_class_name_the_file(streets):
    dataset = streets_of(streets, labels=2)
    with pytest.raises(DataError, match=r"a.png has the value 2, and dataset.labels = 2 allows 0 to 1"):
        dataset[0]
    source = streets_of(streets, labels=2, ignored=2)[0].source
    assert source[1, 3, :2].tolist() == [0, 0]


def test_what_is_wrong_with_the_folders_is_named(streets):
    with pytest.raises(DataError, match="nowhere is not there"):
        streets_of(streets / "nowhere")
    with pytest.raises(ValueError, match='"{split}" belongs in each of "label_folder" and "photo_folder"'):
        streets_of(streets, photo_folder="photos")
    with pytest.raises(MissingSplitError, match=r'no folders for the split "val"\. It has: train\.'):
        DATASETS.build({"name": "instance_maps", "root": str(streets)}, split="val")
    cv2.imwrite(str(streets / "train_label/b.png"), np.zeros((3, 4), np.uint8))
    with pytest.raises(DataError, match=r"1 missing in .*train_img: b\n1 missing in .*train_inst: b"):
        streets_of(streets)


def test_files_called_as_cityscapes_has_them(streets):
    names = {"label": "_gtFine_labelIds", "inst": "_gtFine_instanceIds", "img": "_leftImg8bit"}
    before = streets_of(streets)[0]
    for kind, ending in names.items():
        folder = streets / f"train_{kind}"
        (folder / "a.png").rename(folder / f"a{ending}.png")
    cv2.imwrite(str(streets / "train_label/a_gtFine_color.png"), np.zeros((3, 4, 3), np.uint8))
    endings = {"label_ending": names["label"], "instance_ending": names["inst"], "photo_ending": names["img"]}
    dataset = streets_of(streets, **endings)
    assert (len(dataset), dataset[0].key) == (1, "a")
    np.testing.assert_array_equal(dataset[0].source, before.source)
    (streets / "train_inst" / "a_gtFine_instanceIds.png").rename(streets / "train_inst" / "b_gtFine_instanceIds.png")
    with pytest.raises(DataError, match=r'1 that end in "_gtFine_instanceIds" missing in .*train_inst: a$'):
        streets_of(streets, **endings)
    assert len(streets_of(streets, **{**endings, "instance_folder": ""})) == 1


def test_maps_of_another_size_or_kind_are_named(streets):
    cv2.imwrite(str(streets / "train_inst/a.png"), np.zeros((3, 5), np.uint8))
    with pytest.raises(DataError, match=r"train_label/a.png is 4x3, but .*train_inst/a.png is 5x3"):
        streets_of(streets)[0]
    cv2.imwrite(str(streets / "train_label/a.png"), np.zeros((3, 4, 3), np.uint8))
    with pytest.raises(DataError, match="has 3 channels of uint8; a map has one channel"):
        streets_of(streets)[0]
