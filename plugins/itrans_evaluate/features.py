"""Feature vectors of pictures, by a timm backbone, for comparing sets of pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from itrans.api import DataError
from itrans_timm.networks import create_network, download_network, download_note, drawn_alike, read_network
from itrans_timm.weights import backbone_fault, weights_address

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class BackboneFeatures(nn.Module):
    """The globally pooled features of a backbone of timm, before its classifier.

    Args:
        choice: `timm:NAME` with weights, or `random:NAME` with none but random ones, the same in each run.
        weights: a file with weights, as timm would download them; None has timm download them.
        announce: told before something is downloaded.

    Attributes:
        title: the backbone and, where its weights are random, that they are.

    Raises:
        DataError: timm has no such backbone, or its weights cannot be had or do not fit.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, choice: str, weights: Path | None, announce: Callable[[str], None]) -> None:
        super().__init__()
        kind, _, name = choice.partition(":")
        if kind not in {"timm", "random"} or not name:
            raise DataError(
                f"--features {choice}: write timm:BACKBONE, such as timm:resnet18, or random:BACKBONE for one whose "
                "weights are random."
            )
        if kind == "random" and weights is not None:
            raise DataError(f"--features {choice} has random weights, and takes no --weights.")
        if fault := backbone_fault(name):
            raise DataError(fault)
        self.title = name if kind == "timm" else f"{name}, random features"
        self.network = _network(name, weights, announce) if kind == "timm" else _random_network(name)
        self.network.reset_classifier(0)
        settings = self.network.pretrained_cfg
        self._size: tuple[int, int] = tuple(settings["input_size"][1:])
        self.register_buffer("mean", torch.tensor(settings["mean"]).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor(settings["std"]).view(1, 3, 1, 1))
        self.eval().requires_grad_(False)

    @torch.no_grad()
    def forward(self, pictures: Tensor) -> Tensor:
        """Return `(N, D)` of float32 of grey or RGB pictures `(N, C, H, W)` in [-1, 1], scaled to the backbone's size.

        Args:
            pictures: of any height and width.
        """
        pictures = pictures.expand(-1, 3, -1, -1) * 0.5 + 0.5
        pictures = functional.interpolate(pictures, self._size, mode="bilinear", antialias=True)
        features: Tensor = self.network((pictures - self.mean) / self.deviation)
        return features.float()


def _random_network(name: str) -> Any:
    with drawn_alike():
        return create_network(name, {})[0]


def _network(name: str, weights: Path | None, announce: Callable[[str], None]) -> Any:
    try:
        if weights is not None:
            return read_network(name, weights, f"--weights {weights}", {})[0]
        if weights_address(name):
            announce(download_note(name))
        return download_network(name, ("give it with --weights FILE", f"say random:{name}"), {})[0]
    except ValueError as error:
        wanted = "" if weights is None else " What is wanted is the file that timm downloads, classifier included."
        raise DataError(f"{error}.{wanted}") from error
