"""Weights in the layouts that spandrel knows -> the arguments of a generator, and its state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itrans.api import CheckpointError, Recognized
from itrans_spandrel.arguments import recipe_arguments
from itrans_spandrel.library import detected, hyperparameters

if TYPE_CHECKING:
    import inspect
    from collections.abc import Mapping

    from torch import Tensor

    from itrans_spandrel.generators import SpandrelGenerator

_REFUSED = {
    "GFPGAN": "it restores only faces of 512x512, with a StyleGAN2 in it that was trained on faces before",
    "AuraSR": "it draws its own noise for each picture, so no output could be repeated",
}
"""spandrel's architectures that are no generators here, and why."""


def recognized(generator: type[SpandrelGenerator], state: Mapping[str, Tensor]) -> Recognized | None:
    """Return what a generator is to be built with for some weights, or None if they are of something else.

    Raises:
        CheckpointError: they are of an architecture that is no generator.
    """
    name = detected(state)
    if name in _REFUSED:
        raise CheckpointError(f"These look like weights of {name}, which is not a generator here: {_REFUSED[name]}.")
    if name != generator.architecture.id:
        return None
    try:
        found = generator.architecture.load(dict(state))
    except Exception:  # of something else after all, of which some tensors have the same names
        return None
    if type(found.model) is not generator.network_class:
        return None
    signature: inspect.Signature = generator.__signature__  # type: ignore[attr-defined]
    arguments = recipe_arguments(signature, hyperparameters(found.model))
    own = {f"network.{key}": tensor for key, tensor in found.model.state_dict().items()}
    in_channels = found.input_channels + generator.more_channels
    return Recognized(arguments, in_channels, found.output_channels, {}, own)
