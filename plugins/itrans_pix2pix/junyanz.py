"""The state dicts of pytorch-CycleGAN-and-pix2pix (junyanz): which U-Net, or which PatchGAN, they are of.

Its networks are these networks with other names; what the names do not tell, the shapes do.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

import torch
from torch import Tensor

from itrans.api import CheckpointError, Recognized
from itrans_pix2pix.layers import Norm

_GATHERED = ("running_mean", "running_var", "num_batches_tracked")
_OUTERMOST, _WITHIN, _DEEPER = "model.model.", "1.model.", "3.model."
_NO_DROPOUT_UP_TO = 5
"""The depth of U-Nets in which no layer but the innermost is of full width."""


def unet(state: Mapping[str, Tensor]) -> Recognized | None:
    """Return which `UNet` a state dict is of, or None if it is of something else.

    The names are nested: each block of the U-Net holds the next one as its third part, the outermost as its first.

    Raises:
        CheckpointError: it is a U-Net, of which a layer that has to be there is not.
    """
    if not any(name.startswith(_OUTERMOST) for name in state):
        return None
    depth = 2 + max(name.count(_DEEPER) for name in state)
    names = _unet_names(depth)
    out_dimension = {theirs: int(own.startswith("ups")) for own, theirs in names.items() if own.endswith("conv")}
    last = names[f"ups.{depth - 1}.conv"]
    first_shape, last_shape = _shape(state, names["downs.0.conv"]), _shape(state, last)
    norms = [theirs for own, theirs in names.items() if own.endswith("norm")]
    norm, state = normalization(state, {name: at for name, at in out_dimension.items() if name != last}, norms)
    assumed = {}
    if depth > _NO_DROPOUT_UP_TO:
        assumed["dropout"] = (
            "Weights do not tell whether there was dropout. It is taken to be 0.5, as pytorch-CycleGAN-and-pix2pix "
            "has it unless it is called with --no_dropout."
        )
    arguments = {
        "depth": depth,
        "filters": first_shape[0],
        "norm": norm,
        "dropout": 0.5,
        "dropout_placement": "junyanz",
        "upsample": "transposed",
    }
    return Recognized(arguments, first_shape[1], last_shape[1], names, state, assumed)


def patchgan(state: Mapping[str, Tensor]) -> Recognized | None:
    """Return which `PatchGAN` a state dict is of, the pixel discriminator included, or None if it is of something else.

    Raises:
        CheckpointError: its layers are not numbered as those of a PatchGAN are.
    """
    if "net.0.weight" in state:
        layers, names = 0, {"blocks.0.conv": "net.0", "blocks.1.conv": "net.2", "blocks.1.norm": "net.3"}
        names["head"] = "net.5"
        bare = [names["blocks.1.conv"], names["head"]]
    elif _is_4x4(state.get("model.0.weight")) and all(re.fullmatch(r"model\.\d{1,4}\.\w+", name) for name in state):
        layers, odd = divmod(max(int(name.split(".")[1]) for name in state) - 2, 3)
        if odd or layers < 1:
            raise CheckpointError(
                "This looks like a PatchGAN, but its last layer is missing: that has the number 3n + 2, for n layers "
                "of stride 2."
            )
        names = {"blocks.0.conv": "model.0", "head": f"model.{3 * layers + 2}"}
        for level in range(1, layers + 1):
            names[f"blocks.{level}.conv"] = f"model.{3 * level - 1}"
            names[f"blocks.{level}.norm"] = f"model.{3 * level}"
        bare = [names[f"blocks.{level}.conv"] for level in range(1, layers + 1)]
    else:
        return None
    filters, in_channels = _shape(state, names["blocks.0.conv"])[:2]
    norms = [theirs for own, theirs in names.items() if own.endswith("norm")]
    norm, state = normalization(state, dict.fromkeys(bare, 0), norms)
    return Recognized({"layers": layers, "filters": filters, "norm": norm}, in_channels, 1, names, state)


def normalization(
    state: Mapping[str, Tensor], convolutions: Mapping[str, int], norms: Collection[str]
) -> tuple[Norm, dict[str, Tensor]]:
    """Return how a network normalises, and its state as the norm wants it.

    Batch normalisation has weights. Instance normalisation has none, but biases in the convolutions before it; what
    it has gathered (in PyTorch before 0.4) it does not use. A network without norms has neither, which is as good as
    biases of 0.

    Args:
        state: the file's.
        convolutions: those that have a bias under instance normalisation only, and which dimension of the weight is
            that of the output channels.
        norms: where the norms are, if there are any.
    """
    if any(f"{name}.weight" in state for name in norms):
        return "batch", dict(state)
    if any(f"{name}.bias" in state for name in convolutions):
        gathered = {f"{name}.{leaf}" for name in norms for leaf in _GATHERED}
        return "instance", {name: tensor for name, tensor in state.items() if name not in gathered}
    implied = {f"{name}.bias": torch.zeros(_shape(state, name)[dimension]) for name, dimension in convolutions.items()}
    return "none", {**state, **implied}


def _unet_names(depth: int) -> dict[str, str]:
    """Return what the file calls each layer of a U-Net, from the outermost block to the innermost."""
    names = {"downs.0.conv": f"{_OUTERMOST}0", f"ups.{depth - 1}.conv": f"{_OUTERMOST}3"}
    for level in range(1, depth):
        block, up = _OUTERMOST + _WITHIN + _DEEPER * (level - 1), f"ups.{depth - 1 - level}"
        names[f"downs.{level}.conv"] = f"{block}1"
        if level == depth - 1:
            names |= {f"{up}.conv": f"{block}3", f"{up}.norm": f"{block}4"}
        else:
            names |= {f"downs.{level}.norm": f"{block}2", f"{up}.conv": f"{block}5", f"{up}.norm": f"{block}6"}
    return names


def _shape(state: Mapping[str, Tensor], name: str) -> tuple[int, ...]:
    """Return the shape of a convolution's weight."""
    weight = state.get(f"{name}.weight")
    if weight is None:
        raise CheckpointError(f"{name}.weight is missing.")
    if weight.ndim != 4 or 0 in weight.shape:
        raise CheckpointError(f"{name}.weight is of the shape {tuple(weight.shape)}, which no convolution has.")
    return tuple(weight.shape)


def _is_4x4(weight: Tensor | None) -> bool:
    return weight is not None and weight.ndim == 4 and weight.shape[2:] == (4, 4)
