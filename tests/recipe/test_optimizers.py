"""`[optimizer.NETWORK]`, and what an optimiser does not have."""

from __future__ import annotations

import json
import tomllib

import pytest

from itrans.checkpoint.file import load_checkpoint
from itrans.recipe.load import load_recipe
from itrans.recipe.optimizers import optimizer_of

BASE = {
    "dataset": {"name": "aligned", "root": "data"},
    "generator": {"name": "unet"},
    "loss": [{"name": "l1"}],
    "train": {"epochs": 1},
}


def optimizer(**values):
    return load_recipe(BASE | {"optimizer": values}, sample=False).tables.optimizer


def test_a_networks_table_is_laid_over_that_of_all():
    table = optimizer(lr=1e-3, betas=[0.0, 0.9], discriminator={"lr": 4e-3, "clip_norm": 1.0})
    own = optimizer_of(table, "discriminator")
    assert (own.name, own.lr, own.betas, own.clip_norm) == ("adam", 4e-3, (0.0, 0.9), 1.0)
    assert optimizer_of(table, "generator").lr == 1e-3


def test_a_name_with_dots_may_be_quoted_or_a_table_in_a_table():
    nested = tomllib.loads("[optimizer.loss.heads]\nlr = 0.01\n[optimizer.loss.heads.deep]\nlr = 0.02")["optimizer"]
    quoted = tomllib.loads('[optimizer."loss.heads"]\nlr = 0.01\n[optimizer."loss.heads.deep"]\nlr = 0.02')["optimizer"]
    for values in (nested, quoted):
        table = optimizer(**values)
        assert (optimizer_of(table, "loss.heads").lr, optimizer_of(table, "loss.heads.deep").lr) == (0.01, 0.02)
        assert optimizer_of(table, "loss") is table


def test_set_reaches_a_networks_key(recipe):
    overrides = ["optimizer.discriminator.lr=4e-4", "optimizer.loss.heads.lr=1e-5"]
    table = load_recipe(recipe, overrides=overrides).tables.optimizer
    assert optimizer_of(table, "discriminator").lr == 4e-4
    assert optimizer_of(table, "loss.heads").lr == 1e-5


@pytest.mark.parametrize("values", [{"name": "sgd"}, {"name": "rmsprop", "momentum": 0.5}, {"name": "adamw"}])
def test_what_is_resolved_can_be_given_again(values):
    tables = BASE | {"optimizer": {**values, "discriminator": {"lr": 0.01}}}
    once = load_recipe(tables, sample=False).resolved
    assert load_recipe(once, sample=False).resolved == once
    assert json.loads(json.dumps(once["optimizer"]))["discriminator"] == {"lr": 0.01}


@pytest.mark.parametrize(
    ("text", "line", "key", "said"),
    [
        ('name = "sgd"\nbetas = [0.5, 0.9]', 2, "optimizer.betas", '"sgd" has no "betas"'),
        ("momentum = 0.9", 1, "optimizer.momentum", '"adam" has no "momentum"'),
        ('[optimizer.critic]\nname = "rmsprop"\nbetas = [0.0, 0.9]', 3, "optimizer.critic.betas", '"rmsprop" has no'),
        ("[optimizer.critic]\nmomentum = 0.9", 2, "optimizer.critic.momentum", '"adam" has no "momentum"'),
        ("lrr = 0.1", 1, "optimizer.lrr", 'Did you mean "lr"?'),
        ("[optimizer.critic]\nlrr = 0.1", 2, "optimizer.critic.lrr", '[optimizer.critic] has no key "lrr"'),
        ("[optimizer.critic]\nlr = -1", 2, "optimizer.critic.lr", "greater than 0"),
        ('name = "adamax"', 1, "optimizer.name", '"adamw"'),
    ],
)
def test_what_an_optimiser_does_not_have_is_named_by_its_line(recipe, itrans, text, line, key, said):
    before = recipe.read_text()
    recipe.write_text(f"{before}\n[optimizer]\n{text}\n")
    done = itrans("run", recipe, "--check")
    assert done.exit_code == 2
    assert f"tiny.toml:{before.count(chr(10)) + 2 + line}  {key}\n" in done.stderr
    assert said in done.stderr


def test_a_network_that_is_not_there_is_refused_before_anything_is_written(recipe, itrans, tmp_path):
    recipe.write_text(f"{recipe.read_text()}\n[optimizer.discriminater]\nlr = 1e-4\n")
    done = itrans("run", recipe, "-o", "run")
    assert done.exit_code == 2
    assert "tiny.toml" in done.stderr
    assert "optimizer.discriminater" in done.stderr
    assert 'Did you mean "discriminator"? There are: generator, discriminator.' in done.stderr
    assert not [path for path in tmp_path.glob("run/**/*") if path.is_file()]


@pytest.mark.parametrize("name", ["sgd", "rmsprop"])
def test_a_run_with_it_goes_on_bit_for_bit(recipe, itrans, tmp_path, name):
    changes = (f"optimizer.name={name}", "optimizer.momentum=0.5", "optimizer.discriminator.name=adam")
    changes += ("optimizer.generator.lr=1e-4", "schedule.name=cosine", "schedule.warmup_steps=3", "train.steps=6")
    options = [word for change in changes for word in ("--set", change)]
    assert itrans("run", recipe, "-o", "whole", *options).exit_code == 0
    assert itrans("run", recipe, "-o", "parts", *options, "--stop-after", "2").exit_code == 130
    done = itrans("run", "parts", "--resume")
    assert done.exit_code == 0, done.output
    whole, parts = (load_checkpoint(tmp_path / run / "checkpoints/last.pt") for run in ("whole", "parts"))
    assert whole.recipe["optimizer"]["discriminator"] == {"name": "adam"}
    for network, state in whole.networks.items():
        assert [key for key, value in state.items() if not value.equal(parts.networks[network][key])] == []
