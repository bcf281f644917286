"""What can be told of a component from its signature, and from the attributes of its class."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from itrans.errors import PluginError
from itrans.pictures.kinds import KINDS
from itrans.recipe.parts import OFFERED, RESERVED
from itrans.recipe.signature import Signature
from itrans.scales import scale_of
from itrans.testing.findings import error_line, first_names

if TYPE_CHECKING:
    from collections.abc import Callable

NEEDED = {
    "generator": ("in_channels", "out_channels"),
    "discriminator": ("in_channels", "condition_channels"),
    "loss": (),
    "dataset": ("split",),
    "method": ("build_generator", "losses"),
    "transform": (),
    "metric": (),
    "tracker": (),
    "page": (),
}
"""Of what is offered, what a component that works cannot do without."""

_CALLED = {
    "generator": ("__call__",),
    "discriminator": ("__call__",),
    "loss": (),
    "dataset": ("__len__", "__getitem__"),
    "method": ("step", "translate"),
    "transform": ("__call__",),
    "metric": ("measure",),
    "tracker": ("start", "scalars", "pictures", "finish"),
    "page": ("start", "scalars", "pictures", "finish"),
}
_TYPED: dict[str, dict[str, type]] = {
    "dataset": {"paired": bool, "attribution": str, "side_by_side": bool},
    "discriminator": {"channels_last": bool},
    "generator": {"channels_last": bool},
    "loss": {"conditional": bool},
}
"""Attributes that may be left out, and what they are if they are there."""

_ENDS = [(taken, made) for taken in ("source", "target") for made in ("source", "target")]
_ABSENT = object()


def signature_faults(kind: str, component: Callable[..., Any]) -> list[str]:
    """Return what keeps a component from being called as itrans does: by keywords, with what a recipe gives."""
    try:
        parameters = inspect.signature(component).parameters
        signature = Signature(component, OFFERED[kind])
    except (TypeError, ValueError) as error:
        return [f"Its arguments cannot be read ({error}), so recipes cannot be checked against them."]
    if signature.open:
        return ["It takes any keyword (**), so a mistyped key of a recipe would pass: name its arguments."]
    found = [
        f'Its argument "{name}" cannot be given as a keyword, which is how recipes give arguments.'
        for name, parameter in parameters.items()
        if parameter.kind is parameter.POSITIONAL_ONLY and parameter.default is parameter.empty
    ]
    found += [
        f'Its argument "{name}" is a key that itrans keeps for itself: rename it.'
        for name in sorted(RESERVED[kind].intersection(signature.parameters))
    ]
    found += [
        f'It takes no "{name}", which itrans offers: take it, and raise ValueError for what cannot be done.'
        for name in NEEDED[kind]
        if name not in parameters
    ]
    return found


def annotation_faults(kind: str, component: Callable[..., Any]) -> list[str]:
    """Return what keeps recipes from checking the values of arguments."""
    signature = _signature(kind, component)
    if signature is None:
        return []
    unchecked = signature.unchecked()
    found = [
        f'Its argument "{name}" has no annotation that a recipe\'s value can be checked against: int, float, bool, '
        "str, Literal, list, tuple, X | None and Annotated with bounds can be."
        for name in unchecked
    ]
    defaults = {
        name: parameter.default
        for name, parameter in signature.parameters.items()
        if parameter.default is not parameter.empty and name not in unchecked
    }
    for name, value in defaults.items():
        try:
            messages = [message for key, message in signature.faults({name: value}, "") if key == name]
        except (TypeError, ValueError) as error:
            messages = [f': "{name}" cannot be written in a recipe ({error}).']
        found += [f"A default should be what its annotation says{message}" for message in messages]
    return found


def argument_faults(kind: str, component: Callable[..., Any], arguments: dict[str, Any]) -> list[str]:
    """Return what a recipe with these arguments would be told."""
    signature = _signature(kind, component)
    if signature is None:
        return []
    return [" ".join(message.split()) for _, message in signature.faults(arguments, f"The {kind}")]


def _signature(kind: str, component: Callable[..., Any]) -> Signature | None:
    with contextlib.suppress(TypeError, ValueError):  # told by signature_faults
        return Signature(component, OFFERED[kind])
    return None


def attribute_faults(kind: str, component: Callable[..., Any]) -> list[str]:
    """Return what attributes a class lacks, or has wrong. Of a function that makes components nothing is known."""
    if not isinstance(component, type):
        return []
    found = [f"It has no {name}(), which itrans calls." for name in _CALLED[kind] if not _has(component, name)]
    for name, wanted in _TYPED.get(kind, {}).items():
        value = getattr(component, name, _ABSENT)
        if value is not _ABSENT and not isinstance(value, wanted) and not inspect.isdatadescriptor(value):
            found.append(f"{name} should be a {wanted.__name__}, but is {value!r}.")
    if kind == "generator":
        multiple = getattr(component, "size_multiple", 1)
        if not inspect.isdatadescriptor(multiple):
            found += multiple_faults(multiple)
    if kind == "loss":
        found += _loss_faults(component)
    if kind == "metric":
        found += _metric_faults(component)
    if kind == "method":
        found += _method_faults(component)
    return found


def multiple_faults(multiple: object) -> list[str]:
    """Return what is wrong with a `size_multiple`."""
    if isinstance(multiple, int) and not isinstance(multiple, bool) and multiple >= 1:
        return []
    return [f"size_multiple should be a whole number from 1, but is {multiple!r}."]


def scale_faults(component: object) -> list[str]:
    """Return what is wrong with the `scale` of a generator, or of a data set."""
    try:
        scale_of(component)
    except PluginError as error:
        return [str(error)]
    return []


def direction_faults(directions: object) -> list[str]:
    """Return what is wrong with the `directions` of a method."""
    if isinstance(directions, Mapping):
        ends = [tuple(sides) if isinstance(sides, tuple | list) else sides for sides in directions.values()]
        if ends and all(end in _ENDS for end in ends):
            return []
        return [
            'directions should say of each name the sides, such as ("source", "target"), that translate() takes and '
            f"makes, but is {directions!r}."
        ]
    if isinstance(directions, tuple | list) and directions and all(isinstance(name, str) for name in directions):
        return []
    return [f"directions should be a tuple of the names that translate() takes, but is {directions!r}."]


def _has(component: type, name: str) -> bool:
    # Every class can be called itself, which is not what is meant.
    return any(callable(vars(base).get(name)) for base in component.__mro__)


def _loss_faults(component: type) -> list[str]:
    role = getattr(component, "role", None)
    if not isinstance(role, str):
        return ['It has no role: say role = "image" or role = "adversarial" in the class, where methods look.']
    called = ("generator", "discriminator") if role == "adversarial" else ("__call__",)
    what = "the logits of a discriminator" if role == "adversarial" else "a Translated record"
    return [
        f'With the role "{role}" it should have {name}(), which gets {what}.'
        for name in called
        if not _has(component, name)
    ]


def _metric_faults(component: type) -> list[str]:
    found = []
    lower_is_better, kinds = getattr(component, "lower_is_better", None), getattr(component, "kinds", ("image",))
    if not isinstance(lower_is_better, bool):
        found.append("It does not say which way is better: say lower_is_better = True or False in the class.")
    if not isinstance(kinds, tuple) or not kinds or not {*kinds} <= {*KINDS}:
        found.append(f"kinds should be a tuple of some of {first_names([*KINDS])}, but is {kinds!r}.")
    return found


def _method_faults(component: type) -> list[str]:
    found = []
    directions = getattr(component, "directions", ("forward",))
    if not inspect.isdatadescriptor(directions):
        found += direction_faults(directions)
    if _has(component, "state_dict") != _has(component, "load_state_dict"):
        found.append("It has only one of state_dict() and load_state_dict(); a checkpoint needs both, or none.")
    if check := getattr(component, "check", None):
        try:
            told = check(losses=[], has_discriminator=False)
        except Exception as error:
            found.append(f"The class's check(losses=[], has_discriminator=False) raises {error_line(error)}")
        else:
            if not isinstance(told, list | tuple) or not all(isinstance(sentence, str) for sentence in told):
                found.append(f"check() should return a list of sentences, but returns {told!r}.")
    return found
