from __future__ import annotations

import torch

from itrans.training.journal import Losses
from itrans.training.processes import Processes

CPU = torch.device("cpu")


def losses(**values):
    return {name: torch.tensor(value) for name, value in values.items()}


def test_a_look_has_the_latest_value_and_the_mean_of_each():
    found = Losses(CPU)
    found.add(losses(generator=1.0, discriminator=3.0))
    found.add(losses(generator=2.0))
    found.add(losses(generator=6.0))
    look = found.look(Processes())
    assert look.latest == {"generator": 6.0, "discriminator": 3.0}
    assert look.means == {"generator": 3.0, "discriminator": 3.0}


def test_a_new_mean_begins_and_the_latest_value_stays():
    found = Losses(CPU)
    found.add(losses(generator=1.0, discriminator=3.0))
    found.restart()
    found.add(losses(generator=5.0))
    look = found.look(Processes())
    assert look.means == {"generator": 5.0}
    assert look.latest == {"generator": 5.0, "discriminator": 3.0}


def test_one_that_was_not_finite_is_remembered():
    found = Losses(CPU)
    assert found.are_finite()
    found.add(losses(generator=float("nan")))
    found.add(losses(generator=1.0))
    found.restart()
    assert not found.are_finite()
    assert not found.look(Processes()).are_finite
