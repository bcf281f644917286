from __future__ import annotations

import urllib.error
from pathlib import Path

import numpy as np
import pytest
import torch

from itrans.api import DataError, ImageSpec
from itrans.metrics.measuring import count, meters_for
from itrans_evaluate.weights import lpips

CPU = torch.device("cpu")


def constant(value, size=16, channels=3):
    return torch.full((1, channels, size, size), float(value))


def measured(names, source, output, target, spec=ImageSpec(3)):  # noqa: B008  # a record that nothing changes
    meters = meters_for(names, spec, spec, CPU, pytest.fail)
    found = count(meters, source, output, target, spec)
    return {meter.name: meter.values(found[meter.name])[0] for meter in meters if found[meter.name] is not None}


def test_constant_pictures_have_the_values_of_the_definitions():
    # on a scale from 0 to 1: source 0.9, output 0.6, target 0.5
    found = measured(["l1", "psnr", "ssim"], constant(0.8), constant(0.2), constant(0.0))
    assert found["l1"] == pytest.approx(0.1)
    assert found["source_l1"] == pytest.approx(0.4)
    assert found["psnr"] == pytest.approx(-20 * np.log10(0.1), rel=1e-5)


def test_ms_ssim_of_constant_pictures_is_its_luminance_term_at_the_fifth_scale():
    # Wang et al. (2003): contrast and structure are 1; the luminance counts at the coarsest scale, to the power 0.1333
    found = measured(["ms_ssim"], constant(0, 176), constant(0.2, 176), constant(0, 176))
    luminance = (2 * 0.5 * 0.6 + 1e-4) / (0.25 + 0.36 + 1e-4)
    assert found["ms_ssim"] == pytest.approx(luminance**0.1333, rel=1e-4)


def test_a_picture_of_175_pixels_has_no_ms_ssim():
    assert measured(["ms_ssim"], constant(0, 175), constant(0.2, 175), constant(0, 175)) == {}


def test_label_maps_are_scored_by_the_definitions():
    def planes(classes):
        return torch.nn.functional.one_hot(torch.tensor(classes), 3).permute(2, 0, 1)[None] * 2.0 - 1

    true = planes([[0, 0, 1, 1]])
    true[:, :, 0, 3] = -1  # no class
    found = measured(
        ["accuracy", "class_accuracy", "class_iou"], true, planes([[0, 1, 1, 2]]), true, ImageSpec(1, "labels", 3)
    )
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["class_accuracy"] == pytest.approx((1 / 2 + 1) / 2)
    assert found["class_iou"] == pytest.approx((1 / 2 + 1 / 2) / 2)


class TestLpips:
    @pytest.fixture
    def home(self, tmp_path, monkeypatch):
        """A folder of torch's own, with no weights in it and no network to fetch any."""

        def unreachable(*_, **__):
            raise urllib.error.URLError("no network")

        monkeypatch.setenv("TORCH_HOME", str(tmp_path))
        monkeypatch.setattr(torch.hub, "_hub_dir", None)
        monkeypatch.setattr(torch.hub, "download_url_to_file", unreachable)
        return tmp_path / "hub" / "checkpoints"

    def test_weights_that_cannot_be_had_are_announced_and_named(self, home, capsys):
        said = []
        with pytest.raises(DataError, match="could not be downloaded") as caught:
            lpips("lpips", said.append)
        file = home / "alexnet-owt-7be5be79.pth"
        assert len(said) == 1
        assert str(file) in said[0]
        assert capsys.readouterr().out == ""  # where torch announces it again, and where --json prints
        assert str(file) in str(caught.value)

    def test_a_file_of_weights_is_used_without_a_word(self, home):
        from torchvision.models import squeezenet1_1

        home.mkdir(parents=True)
        torch.manual_seed(0)
        torch.save(squeezenet1_1(weights=None).state_dict(), home / "squeezenet1_1-b8a52dc0.pth")
        image, other = torch.rand(2, 1, 1, 40, 40) * 2 - 1
        spec = ImageSpec(1)
        assert measured(["lpips_squeeze"], image, image, image, spec) == {"lpips_squeeze": 0}
        assert measured(["lpips_squeeze"], image, other, image, spec)["lpips_squeeze"] > 0
        assert measured(["lpips_squeeze"], *[constant(0, 31)] * 3) == {}

    def test_a_file_that_holds_no_weights_is_named(self, home):
        home.mkdir(parents=True)
        (home / "squeezenet1_1-b8a52dc0.pth").write_bytes(b"no weights")
        with pytest.raises(DataError, match="cannot be read"):
            lpips("lpips_squeeze", pytest.fail)

    def test_pictures_of_five_channels_are_refused_first(self, home):
        with pytest.raises(DataError, match="5 channels"):
            meters_for(["lpips"], ImageSpec(5), ImageSpec(5), CPU, pytest.fail)
        assert not Path(home).exists()
