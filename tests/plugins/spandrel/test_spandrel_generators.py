"""Every network of spandrel is a generator: it is built, trains, and translates as spandrel does."""

from __future__ import annotations

import pytest
import torch
from plugins.spandrel.small_networks import LARGE, SMALL

from itrans.api import GENERATORS, RecipeError, apply_generator
from itrans.networks.test_mode import test_mode as in_mode

spandrel = pytest.importorskip("spandrel", reason="needs the extra spandrel")
pytestmark = pytest.mark.filterwarnings("ignore:'saved_variables'", "ignore:torch.meshgrid", "ignore:Initializing zero")


def built(name, in_channels=None, out_channels=3, **arguments):
    torch.manual_seed(0)
    channels = {"in_channels": in_channels or 3 + (name == "lama"), "out_channels": out_channels}
    return GENERATORS.build({"name": f"spandrel_{name}"} | SMALL[name] | arguments, **channels)


def pictures(count, channels, height, width):
    return torch.rand(count, channels, height, width, generator=torch.Generator().manual_seed(0)) * 2 - 1


def side_of(generator):
    least = max(32, generator._requirements.minimum)
    return -(-least // generator.size_multiple) * generator.size_multiple


def test_all_are_tried():
    found = {origin.name for origin in GENERATORS.origins() if origin.module.startswith("itrans_spandrel")}
    assert found == {f"spandrel_{name}" for name in SMALL}


def test_none_of_spandrel_s_architectures_is_forgotten():
    ours = {GENERATORS.get(f"spandrel_{name}").architecture.id for name in SMALL}
    assert {support.architecture.id for support in spandrel.MAIN_REGISTRY} - ours == {"GFPGAN", "AuraSR"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in LARGE else ()) for name in SMALL]
)
def test_it_trains_and_translates_what_spandrel_s_own_object_makes_of_its_weights(name):
    generator = built(name)
    side = side_of(generator)
    source = pictures(2, 3 + (name == "lama"), side, side)

    output = generator.train()(source)
    assert output.shape == (2, 3, generator.scale * side, generator.scale * side)
    assert output.abs().max() <= 1.001
    (output - 0.1).square().mean().backward()
    trained = [weight for weight in generator.parameters() if weight.requires_grad]
    assert all(weight.grad is not None for weight in trained)
    assert any(bool(weight.grad.any()) for weight in trained)
    torch.optim.SGD(trained, 1e-4).step()

    state = {name: value.clone() for name, value in generator.network.state_dict().items()}
    theirs = spandrel.ModelLoader().load_from_state_dict({"params_ema": state})
    assert theirs.scale == generator.scale
    first = source[:1] / 2 + 0.5
    with torch.no_grad():
        expected = theirs.eval()(first[:, :3], first[:, 3:]) if name == "lama" else theirs.eval()(first)
    for mode in ("paper", "running"):
        with in_mode([generator], mode, 0):
            assert (generator(source[:1]) / 2 + 0.5 - expected).abs().max() < 1e-5
            assert (generator(source)[:1] / 2 + 0.5 - expected).abs().max() < 1e-4


@pytest.mark.parametrize(
    "name", ["nafnet", "uformer", "drunet", "safmn_bcie", "mixdehazenet", "swinir", "esrgan", "ipt"]
)
def test_pictures_of_any_size_are_translated(name):
    generator = built(name)
    with in_mode([generator], "running", 0):
        for height, width in ((37, 50), (5, 20)):
            if generator.scale == 1:
                assert apply_generator(generator, pictures(1, 3, height, width)).shape == (1, 3, height, width)
            elif generator.size_multiple == 1:
                shape = (1, 3, generator.scale * height, generator.scale * width)
                assert generator(pictures(1, 3, height, width)).shape == shape


def test_of_one_seed_there_is_one_network_and_the_generator_s_random_numbers_are_left_alone():
    one, other = built("nafnet"), built("nafnet")
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))
    after = torch.get_rng_state()
    torch.manual_seed(0)
    GENERATORS.build({"name": "spandrel_nafnet"} | SMALL["nafnet"], in_channels=3, out_channels=3, initialize=False)
    assert torch.equal(after, torch.get_rng_state())


def test_trying_a_network_leaves_its_statistics_as_they_were():
    generator = built("swift_srgan")
    assert int(generator.network.residual[0].block1.bn.num_batches_tracked) == 0


@pytest.mark.parametrize(
    ("name", "channels", "arguments", "sentence"),
    [
        ("nafnet", (1, 3), {}, "no pictures of 1 to 3 channels"),
        ("swinir", (3, 1), {}, "no pictures of 3 to 1 channels"),
        ("plksr", (1, 1), {}, "no pictures of 1 to 1 channels"),
        ("span", (4, 4), {}, "no pictures of 4 to 4 channels"),
        ("swinir", (3, 3), {"embed_dim": 9}, "no pictures of 3 to 3 channels with these arguments"),
        ("nafnet", (3, 3), {"width": -4}, "spandrel builds no such network"),
        ("fbcnn", (3, 3), {"nc": [4, 4, 4, 4]}, "no pictures of 3 to 3 channels with these arguments"),
        ("compact", (3, 3), {"act_type": "relu", "num_conv": 0}, "spandrel"),
    ],
)
def test_what_no_network_is_built_for_is_refused(name, channels, arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        built(name, *channels, **arguments)


@pytest.mark.parametrize(("name", "channels"), [("compact", (1, 3)), ("esrgan", (4, 3)), ("drunet", (1, 1))])
def test_other_numbers_of_channels_are_taken_where_the_network_has_them(name, channels):
    generator = built(name, *channels).eval()
    with torch.no_grad():
        assert generator(pictures(1, channels[0], 32, 32)).shape[1] == channels[1]


def test_a_network_that_first_makes_small_planes_of_large_ones_takes_the_source_s_channels():
    generator = built("esrgan", shuffle_factor=2, scale=4)
    assert (generator.scale, generator.size_multiple) == (2, 4)
    assert generator(pictures(1, 3, 32, 32)).shape == (1, 3, 64, 64)


class TestRecipe:
    @pytest.fixture
    def checked(self, itrans, recipe):
        def run(*assignments):
            return itrans("run", recipe, "--check", *(part for text in assignments for part in ("--set", text)))

        return run

    def test_one_that_is_right_is_right(self, checked):
        done = checked("generator={name='spandrel_nafnet', width=8, enc_blk_nums=[1], dec_blk_nums=[1]}")
        assert done.exit_code == 0, done.output

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ("wdith=8", ['takes no "wdith"', 'Did you mean "width"?', "enc_blk_nums (list of int"]),
            ("width='8'", ['"width" is "8", but should be int']),
            ("enc_blk_nums=[1, 1.5]", ['"enc_blk_nums" is [1, 1.5], but should be list of int']),
            ("img_channel=3", ['takes no "img_channel"']),
            ("in_channels=3", ['is given "in_channels" by itrans']),
        ],
    )
    def test_a_wrong_argument_is_told_like_any_other_s(self, checked, arguments, words):
        done = checked(f"generator={{name='spandrel_nafnet', {arguments}}}")
        assert done.exit_code == 2
        for word in ['The generator "spandrel_nafnet"', *words]:
            assert word in done.stderr

    def test_a_text_that_is_none_of_the_choices_is_refused(self, checked):
        done = checked("generator={name='spandrel_swinir', upsampler='bicubic'}")
        assert done.exit_code == 2
        assert '"" | "pixelshuffle" | "pixelshuffledirect" | "nearest+conv"' in done.stderr

    def test_what_is_needed_is_said(self, checked):
        done = checked("generator={name='spandrel_safmn'}")
        assert done.exit_code == 2
        assert 'needs "dim"' in done.stderr


def test_refusals_of_a_recipe_name_its_line(itrans, recipe, aligned):
    done = itrans("run", recipe, "--set", "generator={name='spandrel_nafnet', width=-1}", "-o", "out")
    assert done.exit_code == 2
    assert "width=-1" in done.stderr
    assert "spandrel builds no such network" in done.stderr
    assert RecipeError.__name__ not in done.stderr
