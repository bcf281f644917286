"""Our optimisers are torch's, bit for bit."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from itrans.training.optimizers import Adam, AdamW


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize(("own", "theirs"), [(Adam, torch.optim.Adam), (AdamW, torch.optim.AdamW)])
def test_they_do_what_those_of_torch_do(own, theirs, fused):
    torch.manual_seed(0)
    networks = [nn.Linear(3, 2)]
    networks.append(copy.deepcopy(networks[0]))
    optimizers = [
        make(network.parameters(), lr=0.1, betas=(0.5, 0.999), weight_decay=0.1, fused=fused)
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
