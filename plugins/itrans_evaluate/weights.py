"""Networks that metrics need, with weights that are on this machine or have to be downloaded."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import urlparse

import torch

from itrans.api import DataError, fitting_torchvision, quiet_downloads

if TYPE_CHECKING:
    from collections.abc import Callable

LPIPS: dict[str, tuple[Literal["alex", "vgg", "squeeze"], str]] = {
    "lpips": ("alex", "alexnet"),
    "lpips_vgg": ("vgg", "vgg16"),
    "lpips_squeeze": ("squeeze", "squeezenet1_1"),
}
"""The backbone of each kind of LPIPS, as torchmetrics and torchvision call it."""

Inception: TypeAlias = Literal["fid", "kid"]

_INCEPTION = (
    "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth"
)


def lpips(name: str, announce: Callable[[str], None]) -> Any:
    """Return the metric LPIPS (Zhang et al., arXiv 1801.03924) of torchmetrics, which takes pictures in [-1, 1].

    Args:
        name: one of `LPIPS`.
        announce: told before something is downloaded.

    Raises:
        DataError: the weights cannot be had; the message says where to put them.
    """
    with fitting_torchvision():
        from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity
        from torchvision.models import get_model_weights  # type: ignore[import-untyped]

    net, model = LPIPS[name]
    url = get_model_weights(model)["DEFAULT"].url
    return _having(name, url, announce, lambda: LearnedPerceptualImagePatchSimilarity(net_type=net))


def inception(name: Inception, pictures: int, announce: Callable[[str], None]) -> Any:
    """Return the metric FID or KID of torchmetrics, which takes pictures of uint8.

    Args:
        name: `fid` (Heusel et al., arXiv 1706.08500) or `kid` (Bińkowski et al., arXiv 1801.01401).
        pictures: how many there will be: KID is the mean over 100 subsets of 1000, or that of all where there are
            fewer.
        announce: told before something is downloaded.

    Raises:
        DataError: the package torch-fidelity is missing, or the weights cannot be had.
    """
    with fitting_torchvision():
        from torchmetrics.image.fid import FrechetInceptionDistance
        from torchmetrics.image.kid import KernelInceptionDistance
        from torchmetrics.utilities.imports import _TORCH_FIDELITY_AVAILABLE

    if not _TORCH_FIDELITY_AVAILABLE:
        raise DataError(
            f'The metric "{name}" needs the package torch-fidelity, which has its Inception network: '
            f"pip install torch-fidelity. Or leave {name} out of --metrics; --features measures without it."
        )
    few = pictures <= 1000
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*will save all extracted features")
        if name == "fid":
            return _having(name, _INCEPTION, announce, FrechetInceptionDistance)
        return _having(
            name,
            _INCEPTION,
            announce,
            lambda: KernelInceptionDistance(subsets=1 if few else 100, subset_size=pictures if few else 1000),
        )


def _having(name: str, url: str, announce: Callable[[str], None], build: Callable[[], Any]) -> Any:
    """Build a network whose weights torch looks for in its own folder before it downloads them."""
    place = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(url).path).name
    if not place.is_file():
        announce(f'The metric "{name}" needs weights that are not here; downloading {url} to {place}')
    try:
        with quiet_downloads():
            return build()
    except Exception as error:  # whatever the libraries that download and read raise
        fault = "cannot be read" if place.is_file() else "could not be downloaded"
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise DataError(
            f'The metric "{name}" needs the weights {url}, and they {fault} ({reason}). Put that file at {place}, '
            f"or leave {name} out of --metrics."
        ) from error
