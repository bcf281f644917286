"""No training step makes a GPU wait, except the first.

Tensors of the device `meta` have no values, so whoever asks for one is found out, and so are copies to that device.
"""

from __future__ import annotations

import contextlib

import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from itrans.api import Batch, ImageSpec
from itrans.recipe.load import load_recipe
from itrans.training.build import build_method
from itrans.training.journal import Losses
from itrans.training.processes import Processes
from itrans.training.runtime import Runtime

META = torch.device("meta")
LABELS = ImageSpec(channels=1, kind="labels", labels=3)
PATCHGAN = {"name": "patchgan", "filters": 4, "layers": 1}
UNET = {"name": "unet", "depth": 3, "filters": 4}
CGAN = [{"name": "cgan"}, {"name": "l1", "weight": 100.0}]
CYCLE = [{"name": "gan", "objective": "lsgan"}, {"name": "cycle", "weight": 10.0}, {"name": "identity", "weight": 5.0}]
HD = {
    "generator": {"name": "global", "filters": 4},
    "discriminator": {"name": "multiscale", "filters": 4},
    "loss": [{"name": "cgan", "objective": "lsgan"}, {"name": "feature_matching", "weight": 10.0}],
}
RECIPES = {
    "pix2pix": {"generator": UNET, "discriminator": PATCHGAN, "loss": CGAN},
    "cyclegan": {
        "method": {"name": "cyclegan", "pool": 1},
        "generator": {"name": "resnet", "filters": 4, "blocks": 1},
        "discriminator": PATCHGAN,
        "loss": CYCLE,
    },
    "pix2pixhd": HD,
    "segmenter": {"generator": UNET, "loss": [{"name": "cross_entropy", "weights": [1.0, 2.0, 0.5]}]},
}


class CopiesToDevice(TorchDispatchMode):
    """Finds tensors of the CPU that are copied to the device."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        made = {leaf.device.type for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)}
        given = {leaf.device.type for leaf in tree_leaves(args) if isinstance(leaf, torch.Tensor)}
        assert not (func.overloadpacket in {torch.ops.aten._to_copy, torch.ops.aten.copy_} and given | made > {"meta"})
        return result


class ListsToDevice(TorchFunctionMode):
    """Finds tensors that are made on the device of Python's numbers."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        assert not (func in {torch.tensor, torch.as_tensor, torch.Tensor.new_tensor} and result.is_meta)
        return result


@contextlib.contextmanager
def nothing_waits():
    with CopiesToDevice(), ListsToDevice():
        yield


@pytest.fixture(autouse=True)
def without_autocast(monkeypatch):
    """It knows no such device; in fp32 it does nothing."""
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: contextlib.nullcontext())


@pytest.mark.parametrize(("size", "accumulate"), [(128, 1), (125, 2)], ids=["whole", "padded, of two batches"])
@pytest.mark.parametrize("name", RECIPES)
def test_a_step_asks_for_no_value_and_copies_nothing_to_the_device(name, size, accumulate):
    target = LABELS if name == "segmenter" else ImageSpec(3)
    tables = {"dataset": {"name": "openmoji"}, **RECIPES[name], "optimizer": {"clip_norm": 1.0}}
    recipe = load_recipe({**tables, "train": {"steps": 9, "ema": 0.9, "accumulate": accumulate}}, sample=False)
    method = build_method(recipe, ImageSpec(3), target, device=META)
    runtime = Runtime(
        method,
        device=META,
        dtype=torch.float32,
        memory_format=torch.channels_last,
        processes=Processes(),
        optimizer=recipe.tables.optimizer,
        train=recipe.tables.train,
    )
    losses = Losses(META)
    planes = [torch.empty(2, spec.planes, size, size, device=META) for spec in (ImageSpec(3), target)]
    for step in range(3):
        with nothing_waits() if step else contextlib.nullcontext():  # what is made once may be copied there
            runtime.set_learning_rate(1 / (step + 1))
            for number in range(accumulate):
                runtime.begin(step, number)
                found = method.step(Batch(*planes, ("a", "b")), runtime)
                runtime.restore_frozen()
            runtime.end()
            losses.add(found)
        assert found
        assert all(loss.is_meta for loss in found.values())


@pytest.mark.parametrize(
    "wait",
    [
        lambda values: values.sum().item(),
        lambda values: bool(values.isfinite().all()),
        lambda values: values[values > 0],
        lambda values: torch.tensor([1.0, 2.0], device=META),
        lambda values: torch.arange(3).to(META),
        lambda values: values.cpu(),
    ],
)
def test_what_makes_a_gpu_wait_is_found_out(wait):
    with pytest.raises((RuntimeError, NotImplementedError, AssertionError)), nothing_waits():
        wait(torch.empty(3, device=META))
