"""Torch's optimisers, without the second that it takes to import torch's compiler.

Torch keeps its compiler away from some methods of optimisers, by wrappers that import the compiler when they are first
called. Nothing here is compiled but networks, so that the methods without their wrappers do the same.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch


class Adam(torch.optim.Adam):
    """Adam (Kingma and Ba, arXiv 1412.6980)."""

    add_param_group = inspect.unwrap(torch.optim.Adam.add_param_group)
    state_dict = inspect.unwrap(torch.optim.Adam.state_dict)
    load_state_dict = inspect.unwrap(torch.optim.Adam.load_state_dict)
    zero_grad = inspect.unwrap(torch.optim.Adam.zero_grad)
    step: Any = torch.no_grad()(inspect.unwrap(torch.optim.Adam.step))


class AdamW(Adam, torch.optim.AdamW):
    """Adam with weight decay that is no part of the gradient (Loshchilov and Hutter, arXiv 1711.05101)."""
