"""The arguments of spandrel's networks as a recipe can give them: with types, and without what TOML has not."""

from __future__ import annotations

import inspect
import json
import types
import typing
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

IN_CHANNELS = ("in_channels", "num_in_ch", "in_nc", "in_chans", "inp_channels", "in_ch", "img_channel", "n_colors")
OUT_CHANNELS = ("out_channels", "num_out_ch", "out_nc", "out_ch")
"""What the architectures call the numbers of channels, which itrans gives them. Some have one name for both."""

_CONVOLUTIONS = Literal["1conv", "3conv"]
_UPSAMPLERS = Literal["", "pixelshuffle", "pixelshuffledirect", "nearest+conv"]
_CHOICES: Mapping[str, Any] = {
    "Compact.act_type": Literal["relu", "prelu", "leakyrelu"],
    "HAT.resi_connection": Literal["1conv", "identity"],
    "GRL.upsampler": _UPSAMPLERS,
    "GRL.conv_type": Literal["1conv", "3conv", "1conv1x1", "linear"],
    "Swin2SR.resi_connection": _CONVOLUTIONS,
    "Swin2SR.upsampler": Literal[
        "", "pixelshuffle", "pixelshuffle_aux", "pixelshuffle_hf", "pixelshuffledirect", "nearest+conv"
    ],
    "SwinIR.resi_connection": _CONVOLUTIONS,
    "SwinIR.upsampler": _UPSAMPLERS,
    "FBCNN.downsample_mode": Literal["avgpool", "maxpool", "strideconv"],
    "FBCNN.upsample_mode": Literal["upconv", "pixelshuffle", "convtranspose"],
    "Uformer.token_projection": Literal["conv", "linear"],
    "Uformer.token_mlp": Literal["ffn", "mlp", "leff", "fastleff"],
    "RGT.resi_connection": _CONVOLUTIONS,
    "DAT.resi_connection": _CONVOLUTIONS,
    "DAT.upsampler": Literal["pixelshuffle", "pixelshuffledirect"],
    "CRAFT.resi_connection": Literal["1conv", "identity"],
    "DITN.LayerNorm_type": Literal["BiasFree", "WithBias"],
    "MMRealSR.de_net_type": Literal["DEResNet"],
    "MMRealSR.degradation_degree_actv": Literal["sigmoid", "tanh"],
    "ATD.resi_connection": _CONVOLUTIONS,
    "ATD.upsampler": _UPSAMPLERS,
    "DRUNet.downsample_mode": Literal["avgpool", "maxpool", "strideconv"],
    "DRUNet.upsample_mode": Literal["upconv", "pixelshuffle", "convtranspose"],
    "DRCT.resi_connection": Literal["1conv", "identity"],
    "DRCT.upsampler": Literal["", "pixelshuffle"],
    "ESRGAN.upsampler": Literal["upconv", "pixelshuffle"],
    "MoSR.upsampler": Literal["ps", "gps", "dys"],
}
"""What a text may be, where the networks would take any other for one of these."""

_NONE = {"qk_scale": float | None, "shuffle_factor": int | None}
"""The types of arguments that are None by default and have no annotation."""


def recipe_signature(network: type[nn.Module]) -> inspect.Signature:
    """Return the signature of a generator: `in_channels`, `out_channels`, and what else a recipe can give."""
    hints = typing.get_type_hints(inspect.unwrap(network.__init__))
    found = [_parameter("in_channels", int), _parameter("out_channels", int), _parameter("initialize", bool, True)]
    for name, parameter in inspect.signature(network).parameters.items():
        if name in IN_CHANNELS or name in OUT_CHANNELS:
            continue
        default = parameter.default
        kind = _CHOICES.get(f"{network.__name__}.{name}") or _NONE.get(name) or hints.get(name) or _type_of(default)
        if kind is not None and _in_toml(default):
            found.append(_parameter(name, _as_tuple(kind, default), default))
    # What has no default comes first.
    found.sort(key=lambda parameter: parameter.default is not parameter.empty)
    return inspect.Signature(found)


def channel_arguments(network: type[nn.Module], in_channels: int, out_channels: int) -> dict[str, int]:
    """Return numbers of channels under the names that a network has for them; it may have one or none."""
    names = inspect.signature(network).parameters
    chosen = {name: in_channels for name in IN_CHANNELS if name in names}
    return chosen | {name: out_channels for name in OUT_CHANNELS if name in names}


def recipe_arguments(signature: inspect.Signature, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of a network's arguments that a recipe has to give: that it can, and that are no defaults."""
    found = {}
    for name, value in given.items():
        parameter = signature.parameters.get(name)
        if parameter is None or value is None or name in IN_CHANNELS + OUT_CHANNELS:
            continue
        stored, usual = json.loads(json.dumps(value)), json.loads(json.dumps(parameter.default, default=str))
        if stored != usual:
            found[name] = stored
    return found


def _parameter(name: str, annotation: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def _type_of(default: object) -> Any:
    """Return the type of what a default stands for, or None if nothing can be told from it."""
    if isinstance(default, list | tuple) and default:
        inner = {type(item) for item in default}
        return types.GenericAlias(list, (inner.pop(),)) if len(inner) == 1 else None
    return type(default) if isinstance(default, bool | int | float | str) else None


def _as_tuple(kind: Any, default: object) -> Any:
    """Return the type of a tuple for a list that is one by default: a network may compare the two."""
    if not isinstance(default, tuple):
        return kind
    (inner,) = typing.get_args(kind) or ({type(item) for item in default} if default else {Any})
    return types.GenericAlias(tuple, (inner, ...))


def _in_toml(default: object) -> bool:
    return default is inspect.Parameter.empty or not isinstance(default, type | types.FunctionType)
