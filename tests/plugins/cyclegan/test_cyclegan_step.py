"""The losses, the method's step by hand, and what the method refuses."""

from __future__ import annotations

import contextlib

import pytest
import torch
from torch import nn

from itrans.api import LOSSES, METHODS, Batch, ImageSpec, Translated, WeightedLoss, read_image, write_image
from itrans.testing import check_loss, check_method

# The losses


@pytest.mark.parametrize("name", ["cycle", "identity"])
def test_both_losses_are_the_mean_absolute_difference_of_output_and_target(name):
    loss = LOSSES.build({"name": name})
    assert loss.role == LOSSES.get(name).role == name
    target = torch.tensor([[[[-1.0, 0.0], [0.5, 1.0]]]])
    output = torch.tensor([[[[1.0, 0.0], [0.0, 0.5]]]], requires_grad=True)
    value = loss(Translated(torch.full_like(target, 9.0), target, output))  # the source plays no part
    assert float(value.detach()) == (2 + 0 + 0.5 + 0.5) / 4
    value.backward()
    assert output.grad.flatten().tolist() == [0.25, 0, -0.25, -0.25]
    check_loss(name)


# The step, by hand

A, B = 0.8, -0.4


class Scaled(nn.Module):
    """A generator or a discriminator that multiplies and adds."""

    def __init__(self, factor, summand=0.0):
        super().__init__()
        self.factor, self.summand = nn.Parameter(torch.tensor(factor)), summand

    def forward(self, picture, condition=None):
        assert condition is None  # a discriminator sees no source
        return picture * self.factor + self.summand


class Recording:
    """What a method is handed: it keeps the updates, and changes nothing."""

    def __init__(self):
        self.updates = []

    @contextlib.contextmanager
    def update(self, *networks):
        yield lambda losses: self.updates.append((networks, {name: loss.item() for name, loss in losses.items()}))


def method(losses, pool=0, discriminator_a=None):
    generators, judges = iter([Scaled(0.5), Scaled(1.0, 0.25)]), iter([discriminator_a or Scaled(1.0), Scaled(2.0)])
    return METHODS.build(
        {"name": "cyclegan", "pool": pool},
        build_generator=lambda *_: next(generators),
        build_discriminator=lambda *_: next(judges),
        losses=[WeightedLoss(name, weight, LOSSES.build(table)) for name, weight, table in losses],
        source=ImageSpec(channels=3),
        target=ImageSpec(channels=3),
    )


def batch(a=A, b=B):
    return Batch(torch.full((2, 3, 4, 4), a), torch.full((2, 3, 4, 4), b), ("0", "1"))


GAN = ("gan", 1.0, {"name": "gan", "objective": "lsgan"})
CYCLE = ("cycle", 10.0, {"name": "cycle"})
IDENTITY = ("identity", 5.0, {"name": "identity"})

# Forwards a picture is halved, backwards 0.25 is added; logits are the value of A, and twice the value of B.
FAKE_B, FAKE_A = A / 2, B + 0.25
LOSSES_BY_HAND = {
    "gan_B": (2 * FAKE_B - 1) ** 2,
    "gan_A": (FAKE_A - 1) ** 2,
    "cycle_A": abs(FAKE_B + 0.25 - A),
    "cycle_B": abs(FAKE_A / 2 - B),
    "identity_B": abs(B / 2 - B),
    "identity_A": 0.25,
}
DISCRIMINATORS_BY_HAND = {
    "A": ((A - 1) ** 2 + FAKE_A**2) / 2,
    "B": ((2 * B - 1) ** 2 + (2 * FAKE_B) ** 2) / 2,
}


def test_a_step_weighs_the_losses_of_both_directions():
    runtime = Recording()
    logged = method([GAN, CYCLE, IDENTITY]).step(batch(), runtime)
    generators, judge_a, judge_b = runtime.updates
    assert generators[0] == ("generator_AtoB", "generator_BtoA")
    weights = {"gan": 1, "cycle": 10, "identity": 5}
    assert generators[1] == pytest.approx(
        {name.replace("_", "."): weights[name[:-2]] * value for name, value in LOSSES_BY_HAND.items()}, abs=1e-6
    )
    assert judge_a == (("discriminator_A",), pytest.approx({"gan": DISCRIMINATORS_BY_HAND["A"]}, abs=1e-6))
    assert judge_b == (("discriminator_B",), pytest.approx({"gan": DISCRIMINATORS_BY_HAND["B"]}, abs=1e-6))
    expected = {f"generator.{name}": value for name, value in LOSSES_BY_HAND.items()}
    expected |= {f"discriminator_{side}.gan": value for side, value in DISCRIMINATORS_BY_HAND.items()}
    assert {name: value.item() for name, value in logged.items()} == pytest.approx(expected, abs=1e-6)
    assert not any(value.requires_grad for value in logged.values())


def test_the_identity_loss_may_be_left_out_and_any_weight_be_changed():
    runtime = Recording()
    method([("gan", 3.0, GAN[2]), ("cycle", 0.5, CYCLE[2])]).step(batch(), runtime)
    values = runtime.updates[0][1]
    assert set(values) == {"gan.A", "gan.B", "cycle.A", "cycle.B"}
    assert values["cycle.A"] == pytest.approx(0.5 * LOSSES_BY_HAND["cycle_A"], abs=1e-6)
    assert runtime.updates[2][1] == pytest.approx({"gan": 3 * DISCRIMINATORS_BY_HAND["B"]}, abs=1e-6)


def test_scales_of_a_discriminator_are_averaged():
    class TwoScales(Scaled):
        def forward(self, picture, condition=None):
            return [super().forward(picture), super().forward(picture)[..., :2] * 3]

    runtime = Recording()
    method([GAN, CYCLE], discriminator_a=TwoScales(1.0)).step(batch(), runtime)
    expected = ((FAKE_A - 1) ** 2 + (3 * FAKE_A - 1) ** 2) / 2
    assert runtime.updates[0][1]["gan.A"] == pytest.approx(expected, abs=1e-6)
    expected = (DISCRIMINATORS_BY_HAND["A"] + ((3 * A - 1) ** 2 + (3 * FAKE_A) ** 2) / 2) / 2
    assert runtime.updates[1][1]["gan"] == pytest.approx(expected, abs=1e-6)


def test_discriminators_are_shown_the_past_and_generators_are_judged_by_the_present():
    trained = method([GAN, CYCLE], pool=2)
    trained.step(batch(), Recording())
    assert {name: [p.unique().item() for p in kept] for name, kept in trained.state_dict().items()} == {
        "pool_A": pytest.approx([FAKE_A] * 2),
        "pool_B": pytest.approx([FAKE_B] * 2),
    }
    torch.manual_seed(0)
    seen = set()
    for _ in range(12):
        trained.load_state_dict({"pool_A": list(torch.full((2, 3, 4, 4), FAKE_A)), "pool_B": []})
        runtime = Recording()
        trained.step(batch(b=0.4), runtime)
        assert runtime.updates[0][1]["gan.A"] == pytest.approx((0.65 - 1) ** 2, abs=1e-6)
        seen.add(round(runtime.updates[1][1]["gan"], 5))
    old, new = FAKE_A**2, 0.65**2
    assert seen == {round(((A - 1) ** 2 + value) / 2, 5) for value in (old, (old + new) / 2, new)}


def test_without_losses_and_discriminators_it_translates_both_ways_and_no_other():
    built = method([])
    assert built.directions == ("AtoB", "BtoA")
    assert built.translate(batch().source).mean().item() == pytest.approx(FAKE_B)
    assert built.translate(batch().target, "BtoA").mean().item() == pytest.approx(FAKE_A)
    with pytest.raises(ValueError, match='There is no direction "forward": CycleGAN translates AtoB and BtoA'):
        built.translate(batch().source, "forward")


@pytest.mark.parametrize("pool", [0, 3])
def test_it_is_what_itrans_asks_of_a_method(pool):
    losses = [(name, weight, LOSSES.build(table)) for name, weight, table in (GAN, CYCLE)]
    check_method("cyclegan", losses=losses, pool=pool)


def test_a_pool_of_less_than_nothing_is_refused(itrans, cyclegan):
    done = itrans("run", cyclegan(method={"name": "cyclegan", "pool": -1}), "--check")
    assert done.exit_code == 2
    assert '"pool" is -1, but should be int' in done.stderr


# What it refuses

TABLES = {
    "gan": {"name": "gan"},
    "cgan": {"name": "cgan"},
    "cycle": {"name": "cycle"},
    "identity": {"name": "identity"},
    "l1": {"name": "l1"},
}
NO_USE = 'The loss "l1" has no role that the method "cyclegan" knows ("adversarial", "cycle" or "identity")'
CONDITIONAL = 'The loss "cgan" shows the source to the discriminator; without pairs it cannot. Use "gan".'
NO_DISCRIMINATOR = 'The method "cyclegan" needs a discriminator: add a [discriminator] table.'
NO_ADVERSARIAL = 'The method "cyclegan" needs an adversarial loss, such as "gan" with objective = "lsgan".'
NO_CYCLE = 'The method "cyclegan" needs the loss "cycle": nothing else ties outputs to their sources.'
MESSAGES = (NO_USE, CONDITIONAL, NO_DISCRIMINATOR, NO_ADVERSARIAL, NO_CYCLE)


@pytest.mark.parametrize(
    ("losses", "discriminator", "told"),
    [
        (["gan", "cycle", "identity"], True, set()),
        (["gan", "cycle"], True, set()),
        (["gan", "cycle", "l1"], True, {NO_USE}),
        (["cgan", "cycle"], True, {CONDITIONAL}),
        (["gan", "cycle"], False, {NO_DISCRIMINATOR}),
        (["cycle", "identity"], True, {NO_ADVERSARIAL}),
        (["gan", "identity"], True, {NO_CYCLE}),
        (["l1"], False, {NO_USE, NO_DISCRIMINATOR, NO_ADVERSARIAL, NO_CYCLE}),
    ],
)
def test_check_says_all_that_is_wrong_before_data_are_read(itrans, cyclegan, losses, discriminator, told):
    changes = {} if discriminator else {"discriminator": None}
    recipe = cyclegan(loss=[TABLES[name] for name in losses], dataset={"name": "unaligned", "root": "no"}, **changes)
    done = itrans("run", recipe, "--check")
    assert done.exit_code == (2 if told else 0), done.output
    assert {message for message in MESSAGES if message in done.output} == told
    assert "Traceback" not in done.output


def test_identity_needs_sides_of_equal_channels(itrans, cyclegan, unpaired):
    for path in (unpaired / "trainA").iterdir():
        write_image(path, read_image(path)[:, :, :1])
    done = itrans("run", cyclegan())
    assert done.exit_code == 2
    assert 'the loss "identity" needs sources and targets of equal channels, not 1 and 3' in done.stderr
    assert "Traceback" not in done.output


def test_losses_of_unpaired_training_are_refused_by_the_method_for_pairs(itrans, cyclegan):
    done = itrans("run", cyclegan(method=None), "--check")
    assert done.exit_code == 2
    assert '"cycle" has no role that the method "paired" knows' in done.stderr
