"""The state dicts of pytorch-CycleGAN-and-pix2pix (junyanz): which U-Net, or which PatchGAN, they are of.

Its networks are these networks with other names; what the names do not tell, the shapes do.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from torch import Tensor

from itrans.api import CheckpointError, Recognized
from itrans_pix2pix.layers import Norm

_OUTERMOST, _WITHIN, _DEEPER = "model.model.", "1.model.", "3.model."
_NO_DROPOUT_UP_TO = 5
"""The depth of U-Nets in which no layer but the innermost is of full width."""

_EITHER_NORM = (
    "In files of PyTorch before 0.4.1, weights do not tell batch normalisation with biases from instance normalisation "
    'with weights. It is taken to be "{}", not "{}"; in mode paper both translate alike.'
)


@dataclass(frozen=True)
class Normalization:
    """How a network of a file normalises.

    Attributes:
        norm: the norm.
        bias: whether the convolutions before it have biases.
        old: whether there are running statistics without a count of batches, which is since PyTorch 0.4.1.
        assumed: a sentence about the norm, if it may be another one.
    """

    norm: Norm
    bias: bool
    old: bool
    assumed: Mapping[str, str] = field(default_factory=dict)


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
    last = names[f"ups.{depth - 1}.conv"]
    first_shape, last_shape = _shape(state, names["downs.0.conv"]), _shape(state, last)
    norms = [theirs for own, theirs in names.items() if own.endswith("norm")]
    convolutions = [theirs for own, theirs in names.items() if own.endswith("conv") and theirs != last]
    found = normalization(state, convolutions, norms)
    skips_first = not found.assumed  # both changed in 2017, the biases before the order
    assumed = dict(found.assumed)
    if found.old or (found.norm == "batch" and found.bias):
        assumed["skips_first"] = (
            "Weights do not tell whether skip connections come before the decoder's channels, as in "
            "pytorch-CycleGAN-and-pix2pix since autumn 2017, or after them. They are taken to come "
            f"{'before' if skips_first else 'after'} them; the wrong order spoils the output."
        )
    if depth > _NO_DROPOUT_UP_TO:
        assumed["dropout"] = (
            "Weights do not tell whether there was dropout. It is taken to be 0.5, as pytorch-CycleGAN-and-pix2pix "
            "has it unless it is called with --no_dropout."
        )
    arguments = {
        "depth": depth,
        "filters": first_shape[0],
        "norm": found.norm,
        "dropout": 0.5,
        "dropout_placement": "junyanz",
        "upsample": "transposed",
        "bias": found.bias,
        "skips_first": skips_first,
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
        convolutions = [names["blocks.1.conv"], names["head"]]
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
        convolutions = [names[f"blocks.{level}.conv"] for level in range(1, layers + 1)]
    else:
        return None
    filters, in_channels = _shape(state, names["blocks.0.conv"])[:2]
    norms = [theirs for own, theirs in names.items() if own.endswith("norm")]
    found = normalization(state, convolutions, norms)
    arguments = {"layers": layers, "filters": filters, "norm": found.norm, "bias": found.bias}
    return Recognized(arguments, in_channels, 1, names, state, found.assumed)


def normalization(
    state: Mapping[str, Tensor], convolutions: Collection[str], norms: Collection[str], *, likely: Norm = "batch"
) -> Normalization:
    """Return how a network normalises.

    Batch normalisation has weights and running statistics, instance normalisation biases in the convolutions before it
    and perhaps weights. In PyTorch before 0.4 it had running statistics too, and did not use them. Since then it has
    them only if it uses them in evaluation, and is as good as batch normalisation for one picture.

    Args:
        state: the file's.
        convolutions: those that have a bias or not along with the norm.
        norms: where the norms are, if there are any.
        likely: `batch` or `instance_affine`, of a file that may be of either.

    Raises:
        CheckpointError: there are running statistics and no more, which no such network has.
    """

    def holds(layers: Collection[str], leaf: str) -> bool:
        return any(f"{layer}.{leaf}" in state for layer in layers)

    bias, weights, statistics = holds(convolutions, "bias"), holds(norms, "weight"), holds(norms, "running_mean")
    old = statistics and not holds(norms, "num_batches_tracked")
    if bias and weights and old:
        other = "batch" if likely == "instance_affine" else "instance_affine"
        return Normalization(likely, bias, old, {"norm": _EITHER_NORM.format(likely, other)})
    if weights:
        return Normalization("batch" if statistics else "instance_affine", bias, old)
    if bias:
        return Normalization("instance", bias, old)
    if statistics:
        raise CheckpointError(
            "The norms have running statistics without weights, and the convolutions before them no biases, which is "
            "neither batch nor instance normalisation as pytorch-CycleGAN-and-pix2pix has it. It cannot be imported."
        )
    return Normalization("none", bias, old)


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
