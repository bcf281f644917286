"""Checks before a backbone is built: whether timm has one of that name, and where its weights come from."""

from __future__ import annotations

import contextlib
import io
import logging
from typing import TYPE_CHECKING

from itrans.api import did_you_mean, fitting_torchvision

if TYPE_CHECKING:
    from collections.abc import Iterator

_FILE = "model.safetensors"
"""What weights are called where timm has them from."""


def backbone_fault(name: str) -> str | None:
    """Return what is wrong with the name of a backbone, or with the tag of its weights, as a sentence; None if nothing.

    Args:
        name: as timm takes it: `resnet18`, or `resnet18.a1_in1k` for weights that are not the default.
    """
    with fitting_torchvision():
        import timm

    # The first part of a name with a colon says where else timm is to look for a model, such as on a hub.
    if ":" in name or not timm.is_model(name):
        near = did_you_mean(name.partition(".")[0], timm.list_models()) or " timm.list_models() knows the names."
        return f'There is no backbone "{name}" in timm {timm.__version__}.{near}'
    try:
        timm.get_pretrained_cfg(name)
    except RuntimeError:  # of a tag
        known = timm.list_pretrained(f"{name.partition('.')[0]}.*")
        near = did_you_mean(name, known) or f" It has: {', '.join(known) or 'none'}."
        return f'There are no weights "{name}" in timm {timm.__version__}.{near}'
    return None


def weights_address(name: str) -> str | None:
    """Return where timm downloads the weights of a backbone from, or None if it has none.

    Args:
        name: one without `backbone_fault`.
    """
    with fitting_torchvision():
        import timm

    settings = timm.get_pretrained_cfg(name)
    if settings is None or not settings.has_weights:
        return None
    if settings.hf_hub_id:
        return f"https://huggingface.co/{settings.hf_hub_id}/resolve/main/{settings.hf_hub_filename or _FILE}"
    return settings.url if isinstance(settings.url, str | None) else settings.url[0]


@contextlib.contextmanager
def quiet_downloads() -> Iterator[None]:
    """Silence what libraries print about a download: itrans announces it, and an error says how it ended.

    torch says it on standard output, where scores are printed; the package huggingface_hub logs every new attempt.
    Progress bars are shown.
    """
    hub = logging.getLogger("huggingface_hub")
    level = hub.level
    hub.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        hub.setLevel(level)
