"""Files of weights (state dicts) that another program has written with `torch.save`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from itrans.api import CheckpointError, dense, printable
from itrans.commands import load_checkpoint, read_torch_file

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

_WRAPPERS = ("module.", "_orig_mod.", "netG.")
"""What DataParallel, DistributedDataParallel, torch.compile and GANs of Lightning put before every name."""

_PLACES = ("model_state_dict", "state_dict", "params_ema", "params-ema", "params", "model", "net")
"""Under which names weights lie in the files of BasicSR, of its descendants and of others: the first is taken."""

_MOST_NAMED = 5
_MOST_CHARACTERS = 500
"""Of a name: those of networks hundreds of layers deep are longer, and of no network that is trained."""

_ALREADY = "is a checkpoint of itrans already: translate with it as it is."

_REFUSAL = (
    "is not a PyTorch file, or it holds code, and is not opened. A state dict can be imported: "
    "torch.save(network.state_dict(), FILE)."
)


def read_weights(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Read a state dict onto the CPU, in single precision; no code in the file is run.

    Raises:
        CheckpointError: the file is missing, truncated, no PyTorch file, or holds something else than weights.
    """
    path = Path(path)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise CheckpointError(f"{path} {what}. Weights are files, such as latest_net_G.pth.")
    if _is_exported(path):
        raise CheckpointError(f"{path} {_ALREADY}")
    record = read_torch_file(path, refusal=_REFUSAL)
    if isinstance(record, dict):
        record = _inner(dict(dict.items(record)))  # without what hangs on it
    if fault := _fault(record):
        raise CheckpointError(f"{path} {fault}")
    try:
        weights = {
            name: _single_precision(dense(tensor, printable(name), expanded=0)) for name, tensor in record.items()
        }
    except ValueError as error:
        raise CheckpointError(f"{path} holds weights that cannot be used: {error}") from error
    if broken := [name for name, tensor in weights.items() if not bool(tensor.isfinite().all())]:
        raise CheckpointError(f"{path} is of no use: in {listing(broken)} there are values that are not finite.")
    return _without_wrappers(weights)


def _is_exported(path: Path) -> bool:
    """Return whether a file is one of those that `itrans export --to safetensors` writes."""
    try:
        return path.suffix.lower() == ".safetensors" and bool(load_checkpoint(path, values=False))
    except CheckpointError:
        return False


def listing(items: list[str]) -> str:
    """Return the first few of some texts from a file, and how many more there are."""
    more = f" and {len(items) - _MOST_NAMED} more" if len(items) > _MOST_NAMED else ""
    return ", ".join(printable(item[:_MOST_CHARACTERS]) for item in items[:_MOST_NAMED]) + more


def _fault(record: Any) -> str | None:
    """Return why something is not the weights of a network, as the end of a sentence, or None if it is."""
    if not isinstance(record, dict):
        return f"holds no weights (a state dict), but {printable(type(record).__name__)}."
    if record.get("format") == "itrans-checkpoint":
        return _ALREADY
    if not record:
        return "holds no weights: it is empty."
    others = [
        name if isinstance(name, str) else f"a {printable(type(name).__name__)} for a name"
        for name, value in record.items()
        if not (isinstance(name, str) and isinstance(value, Tensor))
    ]
    if not others:
        endless = [name for name in record if len(name) > _MOST_CHARACTERS]
        return f"holds a name of {len(endless[0]):,} characters, which no weights have." if endless else None
    fault = f"is not just the weights of a network (tensors by name): it holds {listing(others)}."
    inner = [name for name, value in record.items() if isinstance(value, dict) and _are_weights(value)]
    if inner:
        shown = [repr(name)[:_MOST_CHARACTERS] for name in inner]
        fault += (
            f" There are weights in {listing(shown)}; save them by themselves: "
            f"torch.save(torch.load(FILE, weights_only=True)[{printable(shown[0])}], NEW_FILE)."
        )
    return fault


def _inner(record: dict[Any, Any]) -> dict[Any, Any]:
    """Return what lies in one of the places where programs put a network's weights, or the record itself."""
    found = next((record[name] for name in _PLACES if isinstance(record.get(name), dict)), None)
    return dict(dict.items(found)) if found is not None and _are_weights(found) else record


def _are_weights(value: Any) -> bool:
    return bool(value) and all(isinstance(k, str) and isinstance(v, Tensor) for k, v in dict.items(value))


def _without_wrappers(record: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights under the names that the network itself gives them."""
    weights = dict(record)
    while wrapper := next((w for w in _WRAPPERS if all(name.startswith(w) for name in weights)), None):
        weights = {name.removeprefix(wrapper): tensor for name, tensor in weights.items()}
    return weights


def _single_precision(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor
