from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from itrans.api import DeviceError, TrainingError
from itrans.recipe.schema import Optimizer, Train
from itrans.training.devices import choose_device, choose_dtype
from itrans.training.processes import Processes
from itrans.training.runtime import Runtime

CPU = torch.device("cpu")


class TwoNetworks:
    def __init__(self):
        self.networks = {"generator": nn.Linear(2, 2), "discriminator": nn.Linear(2, 1)}
        self.generators = ("generator",)


def runtime_of(method, *, dtype=torch.float32, ema=None, accumulate=1, **optimizer):
    return Runtime(
        method,
        device=CPU,
        dtype=dtype,
        memory_format=torch.contiguous_format,
        processes=Processes(),
        optimizer=Optimizer.model_validate(optimizer),
        train=Train(steps=1, ema=ema, accumulate=accumulate),
    )


def weights(method, name):
    return [parameter.detach().clone() for parameter in method.networks[name].parameters()]


def test_an_update_trains_the_named_networks_and_freezes_the_others():
    method = TwoNetworks()
    runtime = runtime_of(method)
    generator, discriminator = weights(method, "generator"), weights(method, "discriminator")
    with runtime.update("generator") as update:
        output = method.networks["discriminator"](method.networks["generator"](torch.ones(3, 2)))
        update({"loss": output.sum()})
    assert not any(torch.equal(a, b) for a, b in zip(generator, weights(method, "generator"), strict=True))
    assert all(torch.equal(a, b) for a, b in zip(discriminator, weights(method, "discriminator"), strict=True))
    assert all(parameter.grad is None for parameter in method.networks["discriminator"].parameters())
    assert all(parameter.requires_grad for network in method.networks.values() for parameter in network.parameters())


def test_the_first_step_of_adam_moves_every_weight_by_the_learning_rate():
    method = TwoNetworks()
    runtime = runtime_of(method, lr=0.01)
    runtime.set_learning_rate(0.5)
    before = weights(method, "discriminator")
    with runtime.update("discriminator") as update:
        update({"a": method.networks["discriminator"](torch.ones(1, 2)).sum()})
    for old, new in zip(before, weights(method, "discriminator"), strict=True):
        torch.testing.assert_close(old - new, torch.full_like(old, 0.005), rtol=1e-4, atol=0)


def test_an_update_without_losses_is_an_error():
    with pytest.raises(TrainingError, match="no losses"), runtime_of(TwoNetworks()).update("generator"):
        pass


def test_gradients_are_clipped_to_the_norm(monkeypatch):
    method = TwoNetworks()
    runtime = runtime_of(method, clip_norm=0.5)
    seen = []
    optimizer = runtime.optimizers["discriminator"]
    optimizer.register_step_pre_hook(
        lambda *_: seen.append(torch.cat([p.grad.flatten() for p in method.networks["discriminator"].parameters()]))
    )
    with runtime.update("discriminator") as update:
        update({"a": 1000 * method.networks["discriminator"](torch.ones(1, 2)).sum()})
    assert float(seen[0].norm()) == pytest.approx(0.5, rel=1e-4)


def test_averages_follow_the_generator_and_can_take_its_place():
    method = TwoNetworks()
    runtime = runtime_of(method, ema=0.26, lr=0.1)
    (start, _), expected = weights(method, "generator"), None
    for decay in (2 / 11, 3 / 12, 0.26):  # (1 + n) / (10 + n) after n updates, until that is more than the recipe says
        with runtime.update("generator") as update:
            update({"a": method.networks["generator"](torch.ones(1, 2)).square().sum()})
        now = method.networks["generator"].weight.detach()
        expected = decay * (start if expected is None else expected) + (1 - decay) * now
    current = method.networks["generator"].weight.detach().clone()
    with runtime.use_averages():
        torch.testing.assert_close(method.networks["generator"].weight.detach(), expected)
    assert torch.equal(method.networks["generator"].weight, current)
    assert set(runtime.averages) == {"generator"}


def test_averaged_statistics_of_batch_norm_are_soon_those_of_the_data():
    method = TwoNetworks()
    method.networks["generator"] = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    runtime = runtime_of(method, ema=0.98, lr=1e-9)
    inputs = 7 + torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
    for _ in range(60):
        with runtime.update("generator") as update:
            update({"a": method.networks["generator"](inputs).sum()})
    seen = method.networks["generator"][0](inputs).detach()
    torch.testing.assert_close(runtime.averages["generator"]["1.running_mean"], seen.mean(0), rtol=0.1, atol=0.01)


def test_updates_are_counted_on_when_a_run_goes_on_also_from_a_file_that_does_not_say_them():
    def trained(runtime, method, updates):
        for _ in range(updates):
            with runtime.update("generator") as update:
                update({"a": method.networks["generator"](torch.ones(1, 2)).square().sum()})

    for keeps in (True, False):
        method = TwoNetworks()
        runtime = runtime_of(method, ema=0.9)
        trained(runtime, method, 5)
        state = copy.deepcopy(runtime.state_dict())
        again = runtime_of(method, ema=0.9)
        if not keeps:
            del state["updates"]
        again.load_state_dict(state)
        assert again.state_dict()["updates"] == {"generator": 5, "discriminator": 0}


def test_autocast_computes_in_the_dtype_but_keeps_weights_in_fp32():
    method = TwoNetworks()
    runtime = runtime_of(method, dtype=torch.bfloat16)
    with runtime.autocast(), runtime.update("generator") as update:
        output = method.networks["generator"](torch.ones(1, 2))
        assert output.dtype == torch.bfloat16
        update({"a": output.sum()})
    assert method.networks["generator"].weight.dtype == torch.float32


class TestDevices:
    def test_auto_finds_one(self):
        assert choose_device("auto").type in {"cpu", "cuda", "mps"}

    @pytest.mark.parametrize("name", ["cuda:99", "gpu", "mps:3", "meta", "cpu:7"])
    def test_what_is_not_there_is_named_with_what_is(self, name):
        with pytest.raises(DeviceError, match="This machine has: cpu"):
            choose_device(name)

    def test_fp16_needs_a_gpu(self):
        with pytest.raises(DeviceError, match="CUDA"):
            choose_dtype("fp16", CPU)
        assert choose_dtype("bf16", CPU) == torch.bfloat16
        assert choose_dtype("auto", CPU) in {torch.bfloat16, torch.float32}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_fp16_on_a_gpu_scales_the_loss_and_still_learns():
    method = TwoNetworks()
    runtime = Runtime(
        method,
        device=torch.device("cuda"),
        dtype=torch.float16,
        memory_format=torch.channels_last,
        processes=Processes(),
        optimizer=Optimizer(),
        train=Train(steps=1),
    )
    before = weights(method, "generator")
    for _ in range(3):
        with runtime.autocast(), runtime.update("generator") as update:
            update({"a": method.networks["generator"](torch.ones(1, 2, device="cuda")).sum()})
    assert not any(torch.equal(a, b) for a, b in zip(before, weights(method, "generator"), strict=True))
