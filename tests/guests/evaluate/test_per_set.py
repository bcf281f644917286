from __future__ import annotations

import logging

import numpy as np
import pytest
import timm
import torch
from torch import nn
from torchmetrics.image.fid import FrechetInceptionDistance

from itrans.api import DataError
from itrans_evaluate import per_set
from itrans_evaluate.features import BackboneFeatures
from itrans_evaluate.per_set import InceptionDistance, KernelDistance, kernel_distance


def mmd(first, second):
    """The unbiased estimate, pair by pair as in its definition."""

    def kernel(x, y):
        return (x @ y / len(x) + 1) ** 3

    m, n = len(first), len(second)
    within_first = sum(kernel(first[i], first[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    within_second = sum(kernel(second[i], second[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    between = sum(kernel(x, y) for x in first for y in second) / (m * n)
    return within_first + within_second - 2 * between


@pytest.mark.parametrize("block", [1, 3, 1024])
def test_the_kernel_distance_is_that_of_the_formula(monkeypatch, block):
    monkeypatch.setattr(per_set, "_BLOCK", block)
    generator = np.random.default_rng(0)
    first, second = generator.normal(0, 1, (7, 5)), generator.normal(0.5, 1, (4, 5))
    assert kernel_distance(torch.tensor(first), torch.tensor(second)) == pytest.approx(mmd(first, second), rel=1e-10)


def test_the_kernel_distance_of_two_pairs_of_numbers():
    # k(x, y) = (x y + 1)^3: within 1, 1 it is 8, within 0, 0 it is 1, between them it is 1
    assert kernel_distance(torch.ones(2, 1), torch.zeros(2, 1)) == pytest.approx(8 + 1 - 2)


def test_the_estimate_is_unbiased():
    # of two halves of one set it is 0 on average over all ways to halve it, where a biased one is above 0
    values = torch.tensor([[0.0], [1.0], [2.0], [4.0]])
    halves = [([0, 1], [2, 3]), ([0, 2], [1, 3]), ([0, 3], [1, 2])]
    mean = np.mean([kernel_distance(values[first], values[second]) for first, second in halves])
    assert mean == pytest.approx(0, abs=1e-9)


class TestBackbone:
    def test_features_do_not_depend_on_the_scale_and_grey_is_shown_to_all_channels(self):
        features = BackboneFeatures("random:test_resnet", None, pytest.fail)
        colour = torch.full((1, 3, 20, 30), 0.25)
        assert torch.allclose(features(colour), features(torch.full((1, 1, 50, 40), 0.25)), atol=1e-5)
        assert features(colour).shape == (1, features.network.num_features)

    def test_random_features_are_named_so_and_are_the_same_again(self):
        one, other = (BackboneFeatures("random:test_resnet", None, pytest.fail) for _ in range(2))
        assert KernelDistance(one).name == "kernel distance (test_resnet, random features)"
        picture = torch.rand(1, 3, 32, 32)
        assert torch.equal(one(picture), other(picture))

    def test_weights_of_a_file_are_those_that_count(self, tmp_path):
        torch.manual_seed(5)
        network = timm.create_model("test_resnet").eval()
        torch.save(network.state_dict(), tmp_path / "weights.pth")
        features = BackboneFeatures("timm:test_resnet", tmp_path / "weights.pth", pytest.fail)
        assert KernelDistance(features).name == "kernel distance (test_resnet)"
        picture = torch.rand(2, 3, 160, 160) * 2 - 1
        mean, deviation = (torch.tensor(network.pretrained_cfg[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
        with torch.no_grad():
            expected = network.forward_features(((picture + 1) / 2 - mean) / deviation).mean((2, 3))
        assert torch.allclose(features(picture), expected, atol=1e-5)

    @pytest.mark.parametrize("wrong", ["lacking", "shape", "text"])
    def test_a_file_that_does_not_fit_is_named(self, tmp_path, wrong):
        path = tmp_path / "weights.pth"
        state = timm.create_model("test_resnet").state_dict()
        if wrong == "lacking":
            del state["layer1.0.conv1.weight"]
        if wrong == "shape":
            state["layer1.0.conv1.weight"] = torch.zeros(3, 3)
        torch.save(state, path) if wrong != "text" else path.write_text("no weights")
        with pytest.raises(DataError, match="weights.pth"):
            BackboneFeatures("timm:test_resnet", path, pytest.fail)

    def test_a_download_is_announced_and_its_failure_says_what_else_there_is(self, monkeypatch):
        def unreachable(*_, **__):
            raise OSError("no network")

        monkeypatch.setattr("timm.models._builder.load_pretrained", unreachable)
        said = []
        with pytest.raises(DataError, match="--weights FILE") as caught:
            BackboneFeatures("timm:test_resnet", None, said.append)
        address = "https://huggingface.co/timm/test_resnet.r160_in1k/resolve/main/model.safetensors"
        [line] = said
        assert line.startswith(f'The weights of the backbone "test_resnet" are downloaded by timm from {address}')
        assert f"{address} (no network)" in str(caught.value)

    def test_what_libraries_say_of_a_download_is_not_repeated(self, monkeypatch, capfd):
        hub = logging.getLogger("huggingface_hub.utils._http")

        def retried(*_, **__):
            hub.warning("Retrying in 1s [Retry 1/5].")
            print("Downloading: model.safetensors")
            raise OSError("no network")

        monkeypatch.setattr("timm.models._builder.load_pretrained", retried)
        level = logging.getLogger("huggingface_hub").level
        with pytest.raises(DataError):
            BackboneFeatures("timm:test_resnet", None, lambda _: None)
        assert capfd.readouterr() == ("", "")
        assert logging.getLogger("huggingface_hub").level == level

    @pytest.mark.parametrize(
        ("choice", "said"),
        [
            ("timm:coatnet_0_224", "timm has no weights for the backbone"),
            ("timm:test_resnet.nosuch", 'There are no weights "test_resnet.nosuch" in timm'),
            ("random:test_resnet.nosuch", 'Did you mean "test_resnet.r160_in1k"'),
        ],
    )
    def test_weights_that_there_are_not_are_named(self, choice, said):
        with pytest.raises(DataError) as caught:
            BackboneFeatures(choice, None, pytest.fail)
        assert said in str(caught.value)


class TestInception:
    class Means(nn.Module):
        """In the place of Inception: the mean of each channel, which has to be of bytes."""

        num_features = 3

        def forward(self, pictures):
            assert pictures.dtype == torch.uint8
            return pictures.float().mean((2, 3))

    def test_fid_is_that_of_the_bytes_and_of_few_pictures_it_says_so(self):
        distance = InceptionDistance("fid", FrechetInceptionDistance(feature=self.Means()), 4)
        outputs = torch.tensor([10.0, 30.0, 50.0, 70.0])
        for value in outputs:  # moved by 20 of 255, which is all that differs
            picture = (value / 127.5 - 1).expand(1, 1, 8, 8)
            distance.add(picture, picture + 20 / 127.5)
        assert distance.value() == pytest.approx(3 * 20**2, rel=1e-3)
        assert "4 pictures are fewer than the 2048 features" in distance.note
