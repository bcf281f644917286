"""The checks name what a component changes around it, and leave all as it was."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from torch import nn

from itrans.testing import check_dataset, check_discriminator, check_generator, check_loss, check_method


class Difference:
    role = "image"

    def __call__(self, translated):
        return (translated.output.float() - translated.target.float()).square().mean()


CUDNN = torch.backends.cudnn
CHANGES = {
    "torch.get_default_dtype()": lambda: torch.set_default_dtype(torch.float64),
    "torch.get_num_threads()": lambda: torch.set_num_threads(3),
    "torch.are_deterministic_algorithms_enabled()": lambda: torch.use_deterministic_algorithms(True),
    "torch.get_float32_matmul_precision()": lambda: torch.set_float32_matmul_precision("medium"),
    "torch.backends.cudnn.benchmark": lambda: setattr(CUDNN, "benchmark", not CUDNN.benchmark),
    "torch.backends.cudnn.deterministic": lambda: setattr(CUDNN, "deterministic", not CUDNN.deterministic),
}
READ = {
    "torch.get_default_dtype()": torch.get_default_dtype,
    "torch.get_num_threads()": torch.get_num_threads,
    "torch.are_deterministic_algorithms_enabled()": torch.are_deterministic_algorithms_enabled,
    "torch.get_float32_matmul_precision()": torch.get_float32_matmul_precision,
    "torch.backends.cudnn.benchmark": lambda: CUDNN.benchmark,
    "torch.backends.cudnn.deterministic": lambda: CUDNN.deterministic,
}


@pytest.mark.parametrize("setting", CHANGES)
def test_a_changed_setting_is_named_and_put_back(setting, faults_of):
    class Setting(Difference):
        done = False

        def __call__(self, translated):
            if not Setting.done:
                CHANGES[setting]()
                Setting.done = True
            return super().__call__(translated).float()

    before = READ[setting]()
    [fault] = [fault for fault in faults_of(check_loss, Setting) if "settings are the user's" in fault]
    assert fault.startswith(f"It changes {setting} from {before} to ")
    assert READ[setting]() == before


def test_gradients_that_are_turned_off_are_named_and_put_back(faults_of):
    class Turning(Difference):
        def __init__(self) -> None:
            torch.set_grad_enabled(False)

    faults = faults_of(check_loss, Turning)
    assert "It changes torch.is_grad_enabled() from True to False: settings are the user's." in faults
    assert torch.is_grad_enabled()


@pytest.mark.parametrize(
    ("check", "name", "arguments"),
    [
        (check_generator, "unet", {"depth": 3, "filters": 2}),
        (check_discriminator, "patchgan", {"patch": 1, "filters": 2}),
        (check_loss, "l1", {}),
        (check_dataset, "digits", {}),
        (check_method, "paired", {}),
    ],
)
def test_a_check_leaves_the_random_numbers_of_others_alone(check, name, arguments):
    def drawn() -> tuple[float, ...]:
        return torch.rand(()).item(), random.random(), np.random.random()

    def seed() -> None:
        torch.manual_seed(5)
        random.seed(5)
        np.random.seed(5)

    seed()
    expected = drawn()
    seed()
    check(name, **arguments)
    assert drawn() == expected


def test_networks_are_copied_before_their_memory_is_changed():
    made: list[nn.Module] = []

    class Kept(nn.Conv2d):
        def __init__(self, *, in_channels: int, out_channels: int) -> None:
            super().__init__(in_channels, out_channels, 3, padding=1)
            made.append(self)

        def forward(self, source):
            return super().forward(source).tanh()

    check_generator(Kept)
    assert len(made) > 5
    assert all(network.weight.is_contiguous() and network.weight.dtype == torch.float32 for network in made)
