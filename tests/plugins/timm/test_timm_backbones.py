import re
import subprocess
import sys

import pytest
import safetensors.torch
import timm
import torch

from itrans.api import DISCRIMINATORS, GENERATORS, LOSSES, Translated
from itrans.testing import check_discriminator, check_generator, check_loss

SMALL = {
    "resnet18": {},
    "mobilenetv3_small_100": {},
    "efficientnet_b0": {"depth": 4},
    "convnext_atto": {},  # begins at a quarter of the size
    "mambaout_femto": {"depth": 3},  # channels last
    "swin_tiny_patch4_window7_224": {"depth": 3},  # channels last, made for one size
    "sam2_hiera_tiny": {"depth": 3},
}
BLOCK = 3 * 3  # of a convolution


def unet(**arguments):
    return GENERATORS.build({"name": "timm_unet"} | arguments, in_channels=3, out_channels=3)


@pytest.mark.parametrize("backbone", SMALL)
def test_backbones_make_generators(backbone):
    network = unet(backbone=backbone, filters=4, **SMALL[backbone]).eval()
    side = 2 * network.size_multiple
    with torch.no_grad():
        output = network(torch.zeros(1, 3, side, 3 * network.size_multiple))
    assert output.shape == (1, 3, side, 3 * network.size_multiple)


@pytest.mark.parametrize(("backbone", "arguments"), [("mobilenetv3_small_100", {}), ("convnext_atto", {"depth": 3})])
def test_the_generator_is_all_that_itrans_asks(backbone, arguments):
    check_generator("timm_unet", backbone=backbone, filters=4, **arguments)


def test_the_discriminator_is_all_that_itrans_asks():
    check_discriminator("timm_patch", backbone="mobilenetv3_small_100", layers=[1, 2], filters=4)


def test_the_loss_is_all_that_itrans_asks():
    check_loss("perceptual", backbone="mobilenetv3_small_100", layers=[0, 1], pretrained=False)


def test_a_backbone_of_one_size_says_so():
    network = GENERATORS.build(
        {"name": "timm_unet", "backbone": "hiera_tiny_224", "image_size": 64, "filters": 4, "depth": 3},
        in_channels=1,
        out_channels=2,
    ).eval()
    assert network.size_multiple == 64
    with torch.no_grad():
        assert network(torch.zeros(1, 1, 64, 64)).shape == (1, 2, 64, 64)
        with pytest.raises(Exception, match="takes pictures of 64x64 only, and this one is 128x64"):
            network(torch.zeros(1, 1, 64, 128))


def test_parameters_are_those_of_the_backbone_and_of_the_decoder():
    network = unet(backbone="resnet18", filters=8)
    plain = timm.create_model("resnet18", features_only=True)
    norm = 2  # weight and bias of a channel
    expected = sum(weight.numel() for weight in plain.parameters())
    expected += BLOCK * 3 * 8 + norm * 8  # the level of full size, which resnet18 has not
    width = 512
    for stride, skipped in ((16, 256), (8, 128), (4, 64), (2, 64), (1, 8)):
        made = 8 * min(stride, 8)
        expected += BLOCK * (width + skipped) * made + BLOCK * made * made + 2 * norm * made
        width = made
    expected += BLOCK * width * 3 + 3
    assert sum(weight.numel() for weight in network.parameters()) == expected


def test_pictures_are_normalised_as_the_weights_want_it():
    network = unet(backbone="resnet18")
    seen = []
    network.backbone.network.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    network.eval()(torch.cat([torch.ones(1, 3, 64, 64), -torch.ones(1, 3, 64, 64)]))
    mean, deviation = timm.get_pretrained_cfg("resnet18").mean, timm.get_pretrained_cfg("resnet18").std
    for channel in range(3):
        white, black = seen[0][:, channel].mean(dim=(1, 2)).tolist()
        assert white == pytest.approx((1 - mean[channel]) / deviation[channel], abs=1e-5)
        assert black == pytest.approx(-mean[channel] / deviation[channel], abs=1e-5)


def test_any_number_of_channels_is_taken():
    network = GENERATORS.build(
        {"name": "timm_unet", "backbone": "mobilenetv3_small_100", "filters": 4, "depth": 3},
        in_channels=5,
        out_channels=2,
    ).eval()
    assert network(torch.zeros(1, 5, 32, 32)).shape == (1, 2, 32, 32)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_weights_come_from_a_file_and_only_where_training_starts(tmp_path, suffix):
    torch.manual_seed(5)
    state = timm.create_model("resnet18").state_dict()
    path = tmp_path / f"weights{suffix}"
    safetensors.torch.save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    network = unet(backbone="resnet18", weights_file=str(path))
    loaded = network.backbone.network.state_dict()
    for key in ("conv1.weight", "layer4.1.conv2.weight", "bn1.bias"):
        assert torch.equal(loaded[key], state[key])
    path.unlink()
    again = GENERATORS.build(
        {"name": "timm_unet", "backbone": "resnet18", "weights_file": str(path)},
        in_channels=3,
        out_channels=3,
        initialize=False,
    )
    assert again.state_dict().keys() == network.state_dict().keys()


def test_weights_of_three_channels_are_fitted_to_one(tmp_path):
    state = timm.create_model("resnet18").state_dict()
    torch.save(state, tmp_path / "weights.pth")
    network = GENERATORS.build(
        {"name": "timm_unet", "backbone": "resnet18", "weights_file": str(tmp_path / "weights.pth")},
        in_channels=1,
        out_channels=3,
    )
    loaded = network.backbone.network.state_dict()["conv1.weight"]
    assert torch.allclose(loaded, state["conv1.weight"].sum(dim=1, keepdim=True), atol=1e-6)


def test_frozen_stages_stay_as_they_are():
    network = unet(backbone="resnet18", filters=4, frozen_stages=2).train()
    parameters = dict(network.backbone.network.named_parameters())
    assert not parameters["conv1.weight"].requires_grad
    assert not parameters["layer1.0.conv1.weight"].requires_grad
    assert parameters["layer2.0.conv1.weight"].requires_grad
    before = {name: value.clone() for name, value in network.backbone.network.state_dict().items()}
    optimizer = torch.optim.SGD([weight for weight in network.parameters() if weight.requires_grad], 0.1)
    network(torch.rand(2, 3, 64, 64)).sum().backward()
    optimizer.step()
    after = network.backbone.network.state_dict()
    changed = {name for name, value in before.items() if not torch.equal(value, after[name])}
    assert not any(name.startswith(("conv1", "bn1", "layer1")) for name in changed)
    assert {"layer2.0.downsample.0.weight", "layer2.0.bn1.running_mean"} <= changed


def test_a_frozen_discriminator_trains_its_heads_alone():
    network = DISCRIMINATORS.build(
        {"name": "timm_patch", "backbone": "resnet18", "layers": [1, 2], "frozen": True},
        in_channels=3,
        condition_channels=1,
    )
    trained = {name.partition(".")[0] for name, weight in network.named_parameters() if weight.requires_grad}
    assert trained == {"heads"}
    logits = network(torch.rand(2, 3, 64, 64), torch.rand(2, 1, 64, 64))
    assert [tuple(scale.shape) for scale in logits] == [(2, 1, 16, 16), (2, 1, 8, 8)]
    assert [feature.shape[1] for feature in network.features(torch.rand(1, 3, 64, 64), torch.rand(1, 1, 64, 64))] == [
        64,
        128,
    ]


def compared(output, target, **arguments):
    loss = LOSSES.build({"name": "perceptual", "backbone": "resnet18", "pretrained": False} | arguments)
    return float(loss(Translated(output, target, output)))


def test_the_loss_is_the_weighted_sum_of_its_layers():
    output, target = torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64)
    first, third = (compared(output, target, layers=[layer]) for layer in (0, 2))
    both = compared(output, target, layers=[2, 0], layer_weights=[0.25, 2.0])
    assert both == pytest.approx(0.25 * third + 2 * first, rel=1e-5)
    assert compared(target, target, layers=[0, 2]) == 0
    assert compared(output, target, layers=[0], distance="l2") != pytest.approx(first)


def test_the_loss_shows_grey_to_all_channels():
    output, target = torch.rand(1, 1, 64, 64), torch.rand(1, 1, 64, 64)
    coloured = compared(output.expand(-1, 3, -1, -1), target.expand(-1, 3, -1, -1), layers=[1])
    assert compared(output, target, layers=[1]) == pytest.approx(coloured)


def test_the_loss_draws_the_same_network_in_each_run():
    output, target = torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64)
    torch.manual_seed(1)
    first = compared(output, target, layers=[1])
    state = torch.get_rng_state()
    torch.manual_seed(2)
    assert compared(output, target, layers=[1]) == first
    torch.manual_seed(1)
    assert torch.equal(torch.get_rng_state(), state)


WRONG = [
    ({"backbone": "resnet81"}, 'There is no backbone "resnet81" in timm', 'Did you mean "resnet18"'),
    ({"backbone": "resnet18.nosuch"}, 'There are no weights "resnet18.nosuch" in timm', 'Did you mean "resnet18.'),
    ({"backbone": "coatnet_0_224", "pretrained": True}, "timm has no weights for the backbone", "pretrained = false"),
    ({"backbone": "hf-hub:someone/theirs"}, "give the weights_file", ""),
    ({"backbone": "vit_tiny_patch16_224"}, "have the strides 16, 16, 16", "choose a hierarchical one"),
    ({"backbone": "convnext_atto", "depth": 1}, "begins at 1/4 of the picture", "2 is the smallest depth"),
    ({"backbone": "resnet18", "frozen_stages": 9}, "frozen_stages is 9", "makes 5 feature maps"),
    ({"backbone": "resnet18", "image_size": 64}, "takes pictures of any size", "leave image_size out"),
    ({"backbone": "resnet18", "weights_file": "missing.pth"}, 'weights_file = "missing.pth" is not there', ""),
]


@pytest.mark.parametrize(("arguments", "said", "advice"), WRONG)
def test_what_cannot_be_built_says_why(arguments, said, advice):
    with pytest.raises(Exception, match=re.escape(said)) as caught:
        unet(**arguments)
    assert advice in str(caught.value)


def test_layers_that_there_are_not_are_told_from_those_that_there_are():
    with pytest.raises(Exception, match="has the layers 0 to 4, and 7 are asked for"):
        DISCRIMINATORS.build(
            {"name": "timm_patch", "backbone": "resnet18", "layers": [7]}, in_channels=3, condition_channels=0
        )
    with pytest.raises(Exception, match="layer_weights has 1 value for 2 layers"):
        LOSSES.build({"name": "perceptual", "layers": [0, 1], "layer_weights": [1.0], "pretrained": False})


@pytest.mark.parametrize(
    ("backbone", "other"), [("resnet18", "mobilenetv3_small_100"), ("mobilenetv3_small_100", "resnet18")]
)
def test_files_with_weights_of_another_backbone_are_refused(tmp_path, backbone, other):
    path = tmp_path / "other.pth"
    torch.save(timm.create_model(other).state_dict(), path)
    with pytest.raises(Exception, match=f'does not fit the backbone "{backbone}": it'):
        unet(backbone=backbone, weights_file=str(path))


def test_files_that_hold_no_weights_are_refused(tmp_path):
    text = tmp_path / "text.pth"
    text.write_text("no weights")
    with pytest.raises(Exception, match="holds no weights that timm can read"):
        unet(backbone="resnet18", weights_file=str(text))


def test_timm_is_imported_only_where_something_is_built():
    modules = ", ".join(f"itrans_timm.{name}" for name in ("generators", "discriminators", "losses"))
    program = f"import sys, {modules}; sys.exit('timm' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


TABLES = {
    "generator": 'name = "timm_unet"\nbackbone = "mobilenetv3_small_100"\nfilters = 4\ndepth = 3',
    "discriminator": 'name = "timm_patch"\nbackbone = "mobilenetv3_small_100"\nlayers = [1]\nfilters = 4',
    "perceptual": 'name = "perceptual"\nbackbone = "mobilenetv3_small_100"\nlayers = [0]\npretrained = false',
}


def test_a_recipe_trains_and_its_checkpoint_translates(aligned, itrans, tmp_path):
    (tmp_path / "timm.toml").write_text(
        f'[dataset]\nname = "aligned"\nroot = "{aligned.as_posix()}"\n'
        f"[generator]\n{TABLES['generator']}\n[discriminator]\n{TABLES['discriminator']}\n"
        f'[[loss]]\nname = "cgan"\n[[loss]]\n{TABLES["perceptual"]}\n'
        "[train]\nbatch_size = 2\nsteps = 2\n"
    )
    ran = itrans("run", "timm.toml", "-o", "run")
    assert ran.exit_code == 0, ran.output
    translated = itrans("translate", "run/checkpoints/last.pt", aligned / "val", "-o", "out")
    assert translated.exit_code == 0, translated.output
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"00.png", "01.png", "02.png"}


def test_a_recipe_with_a_wrong_backbone_gets_one_message(recipe, itrans):
    failed = itrans("run", recipe, "--set", "generator.name=timm_unet", "--set", "generator.backbone=resnt18")
    assert failed.exit_code == 2
    assert "resnt18" in failed.output
