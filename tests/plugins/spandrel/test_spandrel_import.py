"""`itrans import` of weights in the layouts that spandrel reads. They are random: no published ones can be had here."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from plugins.spandrel.small_networks import LARGE, SMALL

from itrans.api import GENERATORS, load
from itrans.checkpoint.file import load_checkpoint

spandrel = pytest.importorskip("spandrel", reason="needs the extra spandrel")
pytestmark = pytest.mark.filterwarnings("ignore:'saved_variables'", "ignore:torch.meshgrid", "ignore:Initializing zero")


def weights_of(name, seed=0):
    """Return the state dict of a network of spandrel's own class, random."""
    torch.manual_seed(seed)
    table = {"name": f"spandrel_{name}"} | SMALL[name]
    return GENERATORS.build(table, in_channels=3 + (name == "lama"), out_channels=3).network.state_dict()


def picture(size=48, channels=3):
    return np.random.default_rng(0).random((size, size, channels), dtype=np.float32)


def of_spandrel(path, source):
    """Return what spandrel makes of a picture with the weights in a file, all by itself."""
    descriptor = spandrel.ModelLoader().load_from_file(path).eval()
    planes = torch.from_numpy(source).permute(2, 0, 1)[None]
    made = descriptor(planes[:, :3], planes[:, 3:]) if planes.shape[1] > 3 else descriptor(planes)
    return made[0].permute(1, 2, 0).numpy()


@pytest.mark.parametrize("name", ["nafnet", "scunet", "dncnn", "drunet", "retinexformer", "kbnet_s", "mixdehazenet"])
@pytest.mark.parametrize("place", ["params_ema"])
def test_restored_pictures_are_those_of_spandrel(itrans, name, place):
    torch.save({place: weights_of(name), "iter": 5}, "net.pth")
    done = itrans("import", "net.pth", "-o", "net.pt")
    assert done.exit_code == 0, done.output
    assert f"generator spandrel_{name}" in done.stdout
    made = load("net.pt", device="cpu", precision="fp32").translate(picture())
    assert np.abs(made - of_spandrel("net.pth", picture())).max() < 1e-5


@pytest.mark.parametrize("name", [name for name in SMALL if name not in LARGE])
def test_all_are_recognised_and_their_arguments_read(name):
    state = weights_of(name)
    component = GENERATORS.get(f"spandrel_{name}")
    found = component.recognize(state)
    assert (found.in_channels, found.out_channels) == (3, 3)
    again = component(in_channels=3, out_channels=3, initialize=False, **found.arguments)
    assert {key: value.shape for key, value in again.state_dict().items()} == {
        key: value.shape for key, value in found.state.items()
    }
    others = [other for other in SMALL if other != name and other not in LARGE]
    assert not any(GENERATORS.get(f"spandrel_{other}").recognize(state) for other in others)


@pytest.mark.parametrize("place", ["", "params", "state_dict", "model_state_dict"])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_weights_are_found_where_programs_put_them(itrans, place, prefix):
    state = {prefix + key: value for key, value in weights_of("nafnet").items()}
    torch.save({place: state, "epoch": 1} if place else state, "net.pth")
    done = itrans("import", "net.pth", "-o", "net.pt")
    assert done.exit_code == 0, done.output
    assert load_checkpoint("net.pt").recipe["generator"]["enc_blk_nums"] == [1, 1]


def test_names_of_newer_esrgans_become_spandrel_s(itrans):
    old = weights_of("esrgan")
    names = {"model.0": "conv_first", "model.1.sub.1": "conv_body", "model.3": "conv_up1", "model.5": "conv_hr"}
    names |= {"model.7": "conv_last"}
    state = {}
    for key, value in old.items():
        module, _, leaf = key.rpartition(".")
        theirs = names.get(module, module.replace("model.1.sub.", "body.").replace(".RDB", ".rdb").removesuffix(".0"))
        state[f"{theirs}.{leaf}"] = value
    found = GENERATORS.get("spandrel_esrgan").recognize(state)
    assert found.arguments == {"num_filters": 8, "num_blocks": 1, "scale": 2}
    assert all(torch.equal(found.state[f"network.{key}"], value) for key, value in old.items())


def test_training_goes_on_from_an_imported_checkpoint(itrans, recipe):
    torch.save(weights_of("nafnet"), "net.pth")
    assert itrans("import", "net.pth", "-o", "net.pt").exit_code == 0
    generator = f"generator={{name='spandrel_nafnet', {', '.join(f'{k}={v}' for k, v in SMALL['nafnet'].items())}}}"
    done = itrans("run", recipe, "--from", "net.pt", "--set", generator, "--set", "train={steps=1}", "-o", "out")
    assert done.exit_code == 0, done.output


def test_weights_of_what_is_no_generator_are_refused_with_the_reason(itrans, monkeypatch):
    monkeypatch.setattr("itrans_spandrel.recognition.detected", lambda state: "GFPGAN")
    torch.save(weights_of("nafnet"), "net.pth")
    done = itrans("import", "net.pth", "-o", "net.pt")
    assert done.exit_code == 2
    assert "GFPGAN" in done.stderr
    assert "512x512" in done.stderr


def test_weights_that_only_share_some_names_are_those_of_nobody(itrans):
    state = {key: value for key, value in weights_of("nafnet").items() if not key.startswith("decoders.1.0.conv5")}
    torch.save(state, "net.pth")
    done = itrans("import", "net.pth", "-o", "net.pt")
    assert done.exit_code == 2
    assert "no generator that can be imported" in done.stderr


PROGRAM = """\
import sys
sys.modules["spandrel"] = None
sys.argv = ["itrans", *{arguments}]
from itrans.__main__ import main
main()
"""


@pytest.mark.parametrize("command", ["translate", "run", "import"])
def test_without_the_library_the_message_says_what_to_install(itrans, recipe, aligned, command):
    torch.save(weights_of("nafnet"), "net.pth")
    assert itrans("import", "net.pth", "-o", "net.pt").exit_code == 0
    arguments = {
        "translate": ["translate", "net.pt", str(aligned / "val"), "-o", "made"],
        "run": ["run", str(recipe), "--check", "--set", "generator={name='spandrel_nafnet'}"],
        "import": ["import", "net.pth", "-o", "other.pt"],
    }[command]
    program = PROGRAM.format(arguments=arguments)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert "pip install 'itrans[spandrel]'" in done.stderr
    assert "Traceback" not in done.stderr
