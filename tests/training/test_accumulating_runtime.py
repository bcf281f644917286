"""Steps of several batches: gradients are the mean, and the optimisers step on the last."""

from __future__ import annotations

import pytest
import torch
from training.test_runtime import TwoNetworks, runtime_of, weights

SGD = {"name": "sgd", "lr": 0.1}


def inputs(count):
    return torch.randn(count, 2, generator=torch.Generator().manual_seed(0))


def take(runtime, step, batches, block):
    for number, batch in enumerate(batches):
        runtime.begin(step, number)
        block(batch)
    runtime.end()


@pytest.mark.parametrize("clip_norm", [None, 0.1])
def test_batches_of_a_step_train_like_one_that_is_as_large(clip_norm):
    clip = {} if clip_norm is None else {"clip_norm": clip_norm}
    found = []
    for parts in (1, 3):
        torch.manual_seed(0)
        method = TwoNetworks()
        network = method.networks["generator"]
        runtime = runtime_of(method, accumulate=parts, ema=0.9, **SGD, **clip)

        def block(batch, runtime=runtime, network=network):
            with runtime.update("generator") as update:
                update({"a": network(batch).square().mean()})

        for step in range(2):
            take(runtime, step, inputs(12).chunk(parts), block)
        assert runtime.state_dict()["updates"] == {"generator": 2, "discriminator": 0}
        found.append({"weights": weights(method, "generator"), "averages": runtime.averages})
    torch.testing.assert_close(found[0], found[1], rtol=1e-5, atol=1e-7)


def test_nothing_changes_before_the_last_batch():
    method = TwoNetworks()
    runtime = runtime_of(method, accumulate=3)
    before = weights(method, "generator")
    for number in range(3):
        assert all(torch.equal(*pair) for pair in zip(before, weights(method, "generator"), strict=True))
        runtime.begin(0, number)
        with runtime.update("generator") as update:
            update({"a": method.networks["generator"](torch.ones(1, 2)).sum()})
    assert not any(torch.equal(*pair) for pair in zip(before, weights(method, "generator"), strict=True))


def test_blocks_of_one_network_gather_for_themselves():
    """Each of two blocks descends on its own mean: the second is not given what the first one has gathered."""
    method = TwoNetworks()
    bias = method.networks["discriminator"].bias
    runtime = runtime_of(method, accumulate=2, **SGD)
    seen = []

    def block(slopes):
        for slope in slopes:
            before = float(bias.detach())
            with runtime.update("discriminator") as update:
                update({"a": slope * bias.sum()})
            seen.append(before - float(bias.detach()))

    take(runtime, 0, [(1, 10), (3, 30)], block)
    assert seen == pytest.approx([0, 0, 0.1 * 2, 0.1 * 20], rel=1e-5)


def test_what_the_last_batch_has_no_block_for_is_not_lost():
    method = TwoNetworks()
    bias = method.networks["discriminator"].bias
    runtime = runtime_of(method, accumulate=2, **SGD)
    before = float(bias.detach())

    def block(slope):
        if slope:
            with runtime.update("discriminator") as update:
                update({"a": slope * bias.sum()})

    take(runtime, 0, [6, 0], block)
    assert before - float(bias.detach()) == pytest.approx(0.1 * 3, rel=1e-5)


def test_a_loss_scale_that_changes_between_batches_changes_no_gradient():
    """The first block of the last batch is infinite, so that the scale is halved before the second one."""
    method = TwoNetworks()
    generator = method.networks["generator"]
    runtime = runtime_of(method, dtype=torch.float16, accumulate=2, **SGD)
    before = weights(method, "generator")[1]

    def block(slope):
        with runtime.update("discriminator") as update:
            update({"a": torch.inf * method.networks["discriminator"].bias.sum()})
        with runtime.update("generator") as update:
            update({"a": slope * generator.bias.sum()})

    take(runtime, 0, [1, 3], block)
    assert runtime.state_dict()["scaler"]["scale"] == 2.0**15
    torch.testing.assert_close(before - generator.bias.detach(), torch.full((2,), 0.2))


def test_a_runtime_says_where_it_is_and_which_step_is_taken():
    runtime = runtime_of(TwoNetworks(), accumulate=2)
    assert (runtime.device.type, runtime.step, runtime.steps) == ("cpu", 0, 1)
    runtime.begin(7, 1)
    assert runtime.step == 7


def test_networks_have_settings_of_their_own():
    method = TwoNetworks()
    runtime = runtime_of(method, name="sgd", lr=0.1, discriminator={"lr": 0.4, "clip_norm": 0.5})
    assert {name: type(made).__name__ for name, made in runtime.optimizers.items()} == {
        "generator": "SGD",
        "discriminator": "SGD",
    }
    runtime.set_learning_rate(0.5)
    before = {name: weights(method, name)[1] for name in method.networks}
    for name, network in method.networks.items():
        with runtime.update(name) as update:
            update({"a": network.bias.sum() * 2})
    moved = {name: before[name] - network.bias.detach() for name, network in method.networks.items()}
    torch.testing.assert_close(moved["generator"], torch.full((2,), 0.1))
    torch.testing.assert_close(moved["discriminator"], torch.full((1,), 0.1))  # clipped from 2 to 0.5
