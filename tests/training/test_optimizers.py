"""Our optimisers are torch's, bit for bit."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from itrans.recipe.schema import Optimizer
from itrans.training.optimizers import SGD, Adam, AdamW, RMSprop, load_optimizer, make_optimizer

BETAS, MOMENTUM = {"betas": (0.5, 0.999)}, {"momentum": 0.9}
OPTIMIZERS = [
    *((Adam, torch.optim.Adam, BETAS | {"fused": fused}) for fused in (True, False)),
    *((AdamW, torch.optim.AdamW, BETAS | {"fused": fused}) for fused in (True, False)),
    *((SGD, torch.optim.SGD, MOMENTUM | {"fused": fused}) for fused in (True, False)),
    (SGD, torch.optim.SGD, {}),
    (RMSprop, torch.optim.RMSprop, MOMENTUM),
    (RMSprop, torch.optim.RMSprop, {}),
]


@pytest.mark.parametrize(("own", "theirs", "settings"), OPTIMIZERS)
def test_they_do_what_those_of_torch_do(own, theirs, settings):
    torch.manual_seed(0)
    networks = [nn.Linear(3, 2)]
    networks.append(copy.deepcopy(networks[0]))
    optimizers = [
        make(network.parameters(), lr=0.1, weight_decay=0.1, **settings)
        for make, network in zip((own, theirs), networks, strict=True)
    ]
    for step in range(3):
        for network, optimizer in zip(networks, optimizers, strict=True):
            network(torch.arange(6.0).view(2, 3) + step).square().sum().backward()
            optimizer.step()
            optimizer.zero_grad()
            assert all(parameter.grad is None for parameter in network.parameters())
        optimizers.reverse()  # each goes on from what the other has gathered
        states = [copy.deepcopy(optimizer.state_dict()) for optimizer in optimizers]
        optimizers.reverse()
        for optimizer, state in zip(optimizers, states, strict=True):
            optimizer.load_state_dict(state)
    one, other = (optimizer.state_dict() for optimizer in optimizers)
    assert one["param_groups"] == other["param_groups"]
    for a, b in zip(networks[0].parameters(), networks[1].parameters(), strict=True):
        assert torch.equal(a, b)
    for number, gathered in one["state"].items():
        assert all(torch.equal(value, other["state"][number][key]) for key, value in gathered.items())
    assert isinstance(optimizers[0], theirs)


TABLES = [
    {"name": "adam"},
    {"name": "adamw", "weight_decay": 0.1},
    {"name": "sgd"},
    {"name": "sgd", "momentum": 0.9},
    {"name": "rmsprop"},
    {"name": "rmsprop", "momentum": 0.9},
]


def trained(table, stop=None, lacking=None):
    """Return the weights after four steps; with `stop`, another network and optimiser go on after so many."""
    torch.manual_seed(0)
    network = nn.Conv2d(3, 2, 3).to(memory_format=torch.channels_last)
    optimizer = make_optimizer(network, table)
    for step in range(4):
        if step == stop:
            before, state = network.state_dict(), copy.deepcopy(optimizer.state_dict())
            for gathered in state["state"].values():
                gathered.pop(lacking, None)
            network = nn.Conv2d(3, 2, 3).to(memory_format=torch.channels_last)
            network.load_state_dict(before)
            optimizer = make_optimizer(network, table)
            load_optimizer("generator", optimizer, table, state)
        network(torch.arange(75.0).view(1, 3, 5, 5) / 75 + step).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    return [parameter.detach() for parameter in network.parameters()]


@pytest.mark.parametrize("values", TABLES)
def test_each_goes_on_bit_for_bit_from_what_it_has_gathered(values):
    table = Optimizer(lr=0.01, **values)
    whole, parts = trained(table), trained(table, stop=2)
    assert all(torch.equal(one, other) for one, other in zip(whole, parts, strict=True))


@pytest.mark.parametrize(
    ("values", "lacking"),
    [
        ({"name": "adam"}, "exp_avg"),
        ({"name": "sgd", "momentum": 0.9}, "momentum_buffer"),
        ({"name": "rmsprop"}, "square_avg"),
        ({"name": "rmsprop", "momentum": 0.9}, "momentum_buffer"),
    ],
)
def test_what_a_file_lacks_is_named(values, lacking):
    with pytest.raises(ValueError, match=f"optimizers.generator.state.0.{lacking} is missing"):
        trained(Optimizer(**values), stop=2, lacking=lacking)
