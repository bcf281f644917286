"""What an `[[augment.transform]]` names: a component, or a class of albumentations, found, checked and made here.

The library takes a second to import, so only a recipe that names a transform imports it.
"""

from __future__ import annotations

import inspect
import os
import warnings
from typing import TYPE_CHECKING, Any

from itrans.errors import did_you_mean
from itrans.recipe.signature import Signature
from itrans.registry import TRANSFORMS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

_ABSTRACT = {"BasicTransform", "DualTransform", "ImageOnlyTransform", "Transform3D"}


def albumentations_library() -> Any:
    """Import albumentations and return it."""
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # its import would ask the network for a newer version
    import albumentations

    return albumentations


def is_registered(name: str) -> bool:
    """Whether a name is that of a component: a qualified one, or one that no class of albumentations has.

    Its classes begin with capitals, so that other names do not import it.
    """
    if ":" in name:
        return True
    if all(origin.name != name for origin in TRANSFORMS.origins()):
        return False
    return not name[0].isupper() or name not in _classes()


def _classes() -> dict[str, Any]:
    """Return the classes of albumentations that can be named."""
    library = albumentations_library()
    return {
        key: value
        for key, value in vars(library).items()
        if inspect.isclass(value) and issubclass(value, library.BasicTransform) and key not in _ABSTRACT
    }


def transform_faults(
    name: str, arguments: Mapping[str, Any], hint: Callable[[str, Collection[str]], str] = did_you_mean
) -> list[tuple[str, str]]:
    """Return what is wrong with a transform, as `Signature.faults` does for a component.

    The class itself judges values, as some classes take more than their annotations say. Where it refuses one, the
    message is made from the annotation if that is against it as well, and else from the class's own words.
    """
    known = _classes()
    if name not in known:
        installed = TRANSFORMS.names()
        message = f'albumentations {albumentations_library().__version__} has no transform "{name}".'
        message += did_you_mean(name, [*known, *installed])
        return [("", message + (f"\nAlso installed: {', '.join(installed)}." if installed else ""))]
    signature = Signature(known[name])
    found = signature.faults(arguments, f'"{name}"', hint)
    of_values = [(key, message) for key, message in found if key in signature.parameters]
    if len(of_values) < len(found):
        return found
    try:
        make_transform(name, arguments)
    except Exception as error:  # of albumentations, which raises many kinds
        reason = str(error) if isinstance(error, ValueError | TypeError) else f"{type(error).__name__}: {error}"
        return of_values or [("", f'"{name}" refuses its arguments: {reason}')]
    return []


def make_transform(name: str, arguments: Mapping[str, Any]) -> Any:
    """Make a transform; raises what its class does, and `ValueError` for an argument that it would not use."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # albumentations only warns of arguments that it does not use
        try:
            return getattr(albumentations_library(), name)(**arguments)
        except UserWarning as warning:
            raise ValueError(str(warning)) from warning


def transform_takes(name: str, argument: str) -> bool:
    """Whether a transform has an argument, and gives it another value than None if it is left out."""
    parameter = inspect.signature(getattr(albumentations_library(), name)).parameters.get(argument)
    return parameter is not None and parameter.default is not None
