"""What a timm backbone makes of pictures: one feature vector each, to compare sets of pictures by."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from itrans.api import DataError
from itrans_timm.weights import backbone_fault, quiet_downloads, weights_address

if TYPE_CHECKING:
    from collections.abc import Callable

_SEED = 0


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
        if kind == "random":
            self.network = _drawn(name)
        else:
            self.network = _downloaded(name, announce) if weights is None else _filled(name, weights)
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


def _created(name: str, **options: Any) -> Any:
    """Return a network of timm, its classifier taken off."""
    import timm

    network: Any = timm.create_model(name, **options)
    network.reset_classifier(0)
    return network


def _drawn(name: str) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        return _created(name)


def _downloaded(name: str, announce: Callable[[str], None]) -> Any:
    address = weights_address(name)
    if address is None:
        raise DataError(f'timm has no weights for the backbone "{name}". Choose another, or say random:{name}.')
    announce(f'The weights of the backbone "{name}" are downloaded by timm from {address}, unless its cache has them.')
    try:
        with quiet_downloads():
            return _created(name, pretrained=True)
    except Exception as error:  # whatever the libraries that timm downloads with raise
        raise DataError(
            f'The weights of the backbone "{name}" cannot be had from {address} ({_line(error.__cause__ or error)}). '
            f"Without a network, fetch that file elsewhere and give it with --weights FILE, or say random:{name}."
        ) from error


def _filled(name: str, path: Path) -> Any:
    from timm.models import load_state_dict

    if not path.is_file():
        raise DataError(f"--weights {path}: there is no such file.")
    try:
        state = load_state_dict(str(path), weights_only=True)
        if not all(isinstance(value, Tensor) for value in state.values()):
            raise ValueError("not all of its values are tensors")
    except Exception as error:  # what a file raises that holds no weights depends on what else it is
        raise DataError(f"--weights {path} holds no weights that timm can read ({_line(error)}).") from error
    try:
        # With its classifier: timm then takes no file that lacks a layer.
        return _created(name, pretrained=True, pretrained_cfg_overlay={"state_dict": state, "custom_load": False})
    except (RuntimeError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f'--weights {path} does not fit the backbone "{name}": its layers have other names or sizes. What is '
            "wanted is the file that timm downloads, classifier included."
        ) from error


def _line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].strip().rstrip(".:")
