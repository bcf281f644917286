"""Any package's component can recognise weights; `itrans import` asks all that are installed."""

from __future__ import annotations

import pytest
import torch

from itrans.checkpoint.file import load_checkpoint

PART = """
import torch
from torch import nn
from itrans.api import GENERATORS, Recognized

@GENERATORS.register("{name}")
class One(nn.Module):
    def __init__(self, *, in_channels: int, out_channels: int, kernel: int = 3) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2)

    def forward(self, source):
        return torch.tanh(self.convolution(source))

    @staticmethod
    def recognize(state):
        if "old.weight" not in state:
            return None
        out_channels, in_channels, kernel, _ = state["old.weight"].shape
        return {answer}
"""
ANSWER = 'Recognized({"kernel": kernel}, in_channels, out_channels, {"convolution": "old"}, state)'


@pytest.fixture
def part(tmp_path):
    """Write a file that registers a generator which recognises weights, and the weights."""
    from itrans.registry import GENERATORS

    torch.save({"old.weight": torch.ones(3, 1, 5, 5), "old.bias": torch.zeros(3)}, tmp_path / "old.pth")
    names = []

    def write(name, answer=ANSWER):
        path = tmp_path / f"{name}.py"
        path.write_text(PART.replace("{name}", name).replace("{answer}", answer), encoding="utf-8")
        names.append(name)
        return path

    yield write
    for name in names:
        GENERATORS.unregister(name)


def test_a_part_of_ones_own_is_asked_without_being_named(itrans, part):
    done = itrans("import", "old.pth", "-o", "new.pt", "--code", part("one"))
    assert done.exit_code == 0, done.output
    record = load_checkpoint("new.pt")
    assert record.recipe["generator"] == {"name": "one", "kernel": 5}
    assert (record.source.channels, record.target.channels) == (1, 3)
    assert record.recipe["dataset"]["name"] == "paired"
    assert torch.equal(record.networks["generator"]["convolution.weight"], torch.ones(3, 1, 5, 5))


def test_where_several_recognise_weights_one_has_to_be_named(itrans, part):
    code = ["--code", part("one"), "--code", part("two")]
    done = itrans("import", "old.pth", "-o", "new.pt", *code)
    assert done.exit_code == 2
    assert "--generator one or --generator two" in done.stderr


@pytest.mark.parametrize(("answer", "said"), [("1 / 0", "ZeroDivisionError"), ("{}", "not dict")])
def test_a_part_that_goes_wrong_is_named(itrans, part, answer, said):
    done = itrans("import", "old.pth", "-o", "new.pt", "--code", part("one", answer))
    assert done.exit_code == 2
    assert '"one"' in done.stderr
    assert said in done.stderr


def test_a_broken_package_does_not_hinder_the_others(itrans, part, install):
    install("broken", "1.0", "[itrans.generators]\nbroken = broken_part:Broken\n", broken_part="1 / 0")
    assert itrans("import", "old.pth", "-o", "new.pt", "--code", part("one")).exit_code == 0
