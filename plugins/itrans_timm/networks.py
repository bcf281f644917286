"""Networks of timm, made with the weights that are asked for: none, those of a file, or downloaded ones."""

from __future__ import annotations

import contextlib
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from itrans.api import counted
from itrans_timm.weights import backbone_fault, quiet_downloads, weights_address

if TYPE_CHECKING:
    from collections.abc import Iterator

_SEED = 0
_ANY_SIZE: tuple[dict[str, bool], ...] = ({"strict_img_size": False}, {"dynamic_img_size": True}, {})
"""What families of timm call the wish to see pictures of any size; most see them without being asked."""


def check_name(name: str) -> None:
    """Raise `ValueError` if timm knows no such backbone, or no such weights of it."""
    # The first part may say where else timm is to look for a model, such as on a hub.
    if ":" in name:
        raise ValueError(f'There is no backbone "{name}" in timm; of models from elsewhere, give the weights_file')
    if fault := backbone_fault(name):
        raise ValueError(fault.rstrip("."))


def create_network(name: str, options: dict[str, Any], image_size: int | None = None) -> tuple[Any, bool]:
    """Return a network of timm, and whether it sees pictures of any size although it was made for one."""
    import timm

    for sizes in _ANY_SIZE if image_size is None else ({"img_size": image_size},):
        try:
            return timm.create_model(name, **options, **sizes), bool(sizes) and image_size is None
        except TypeError as error:
            if not any(key in str(error) for key in sizes):
                raise ValueError(f'The backbone "{name}" cannot be built: {error}') from error
        except (AssertionError, IndexError, RuntimeError, AttributeError, KeyError) as error:
            raise ValueError(_unfit(name, options, error)) from error
    raise ValueError(f'The backbone "{name}" takes pictures of any size: leave image_size out')


def _unfit(name: str, options: dict[str, Any], error: Exception) -> str:
    """Return why timm does not make feature maps."""
    import timm

    if "out_indices" in options and not isinstance(error, RuntimeError):
        with contextlib.suppress(Exception):
            plain: Any = timm.create_model(name, features_only=True)
            count = len(plain.feature_info.channels())
            wanted = ", ".join(map(str, options["out_indices"]))
            return f'The backbone "{name}" has the layers 0 to {count - 1}, and {wanted} are asked for'
    return f'timm makes no feature maps with the backbone "{name}" ({_line(error)}): choose another'


def download_note(name: str) -> str:
    """Return what is said before weights are downloaded."""
    address = weights_address(name)
    return f'The weights of the backbone "{name}" are downloaded by timm from {address}, unless its cache has them.'


def download_network(
    name: str, instead: tuple[str, str], options: dict[str, Any], image_size: int | None = None
) -> tuple[Any, bool]:
    """Return a network with weights that timm downloads; see `create_network`.

    Args:
        name: as timm knows it.
        instead: how a file is given, and how no weights are asked for, for messages.
        options: for timm.
        image_size: see `Backbone`.

    Raises:
        ValueError: they cannot be had.
    """
    address = weights_address(name)
    if address is None:
        raise ValueError(f'timm has no weights for the backbone "{name}": choose another, or {instead[1]}')
    create_network(name, options, image_size)  # so that what fails now is the download
    try:
        with quiet_downloads():
            return create_network(name, {**options, "pretrained": True}, image_size)
    except Exception as error:  # whatever the libraries that timm downloads with raise
        raise ValueError(
            f'The weights of the backbone "{name}" cannot be downloaded from {address} '
            f"({_line(error.__cause__ or error)}). "
            f"Without a network, fetch that file elsewhere and {instead[0]}, or {instead[1]}"
        ) from error


def read_network(
    name: str, path: Path, called: str, options: dict[str, Any], image_size: int | None = None
) -> tuple[Any, bool]:
    """Return a network with the weights of a file; see `create_network`.

    Args:
        name: as timm knows it.
        path: the file.
        called: what messages call it.
        options: for timm.
        image_size: see `Backbone`.

    Raises:
        ValueError: it is not there, or does not fit.
    """
    from timm.models import load_state_dict

    if not path.is_file():
        raise ValueError(f"{called} is not there")
    # What a file raises that holds no weights depends on what else it is.
    unfit = (
        pickle.UnpicklingError,
        RuntimeError,
        OSError,
        EOFError,
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
    )
    try:
        state = load_state_dict(str(path), weights_only=True)
        if not all(isinstance(value, Tensor) for value in state.values()):
            raise ValueError("not all of its values are tensors")
    except Exception as error:  # of safetensors, too
        raise ValueError(f"{called} holds no weights that timm can read ({_line(error)})") from error
    with drawn_alike():
        drawn, _ = create_network(name, options, image_size)
    try:
        with drawn_alike():
            overlay = {"state_dict": state, "custom_load": False}
            filled = create_network(
                name, {**options, "pretrained": True, "pretrained_cfg_overlay": overlay}, image_size
            )
    except unfit as error:
        raise ValueError(
            f'{called} does not fit the backbone "{name}": its layers have other names or sizes'
        ) from error
    filled[0].pretrained_cfg.pop("state_dict", None)
    # timm leaves out without a word what it does not find in a file.
    states = drawn.state_dict(), filled[0].state_dict()
    left = [key for key, value in states[0].items() if value.ndim > 1 and torch.equal(value, states[1][key])]
    if left:
        raise ValueError(
            f'{called} does not fit the backbone "{name}": it lacks weights for {left[0]}'
            + (f" and {counted(len(left) - 1, 'more layer')}" if len(left) > 1 else "")
        )
    return filled


@contextlib.contextmanager
def drawn_alike() -> Iterator[None]:
    """Let what networks draw in the block be the same each time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        yield


def _line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].partition(". ")[0].strip().rstrip(".:")
