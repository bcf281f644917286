"""One geometry for both pictures of a pair: resize, crop, mirror, and any transform of albumentations.

What is drawn for a pair depends on the recipe's seed, the epoch and the pair's index alone, not on the process that
happens to load it.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import random
import traceback
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from itrans.errors import DataError, counted, did_you_mean
from itrans.pictures.kinds import kind_of
from itrans.protocols import Pair
from itrans.recipe.schema import height_width

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # its import would ask the network for a newer version
import albumentations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from itrans.protocols import ImageArray, ImageSpec
    from itrans.recipe.schema import Augment, Transform

_MIRROR_PROBABILITY = 0.5
_EMPTY = "fill_mask"
"""The argument of transforms that leave a part of a mask empty: what to put there, which is 0 if nothing is said."""
_ATTEMPTS = 32
"""To see what a transform does that is applied to some pictures only."""

_ABSTRACT = {"BasicTransform", "DualTransform", "ImageOnlyTransform", "Transform3D"}


class _Chance(NamedTuple):
    """What a pair's transforms draw from, one after the other: albumentations wants a generator of each kind."""

    numbers: np.random.Generator
    python: random.Random


class PairTransform:
    """Resizes, crops, mirrors and otherwise transforms pairs.

    Args:
        augment: the recipe's table.
        source: what the source pictures are.
        target: what the target pictures are; label maps are resized without mixing labels, and where a transform
            leaves something empty they get the value that stands for no class, if there is one.
        paired: False draws the geometry of each side on its own.
        training: False leaves out all that is random: pictures are scaled to the size that training ends with.
    """

    def __init__(
        self, augment: Augment, source: ImageSpec, target: ImageSpec, *, paired: bool = True, training: bool = True
    ) -> None:
        self._augment = augment
        self._kinds = {"source": _target_kind(source), "target": _target_kind(target)}
        self._unlabelled = {spec.ignored for spec in (source, target) if not kind_of(spec).is_smooth}
        self._paired = paired
        self._training = training

    @functools.cached_property
    def _both(self) -> albumentations.Compose | None:
        augment = self._augment
        steps: list[Any] = []
        if self._training:
            size = augment.resize or augment.size
            steps += [_resized(size)] if size else []
            steps += [albumentations.RandomCrop(*height_width(augment.crop))] if augment.crop else []
            steps += [albumentations.HorizontalFlip(p=_MIRROR_PROBABILITY)] if augment.mirror else []
            steps += [self._made(table) for table in augment.transform if table.on == "both"]
        else:
            size = augment.crop or augment.resize or augment.size
            steps += [_resized(size)] if size else []
        return self._composed(steps)

    @functools.cached_property
    def _source_only(self) -> albumentations.Compose | None:
        steps = [self._made(table) for table in self._augment.transform if table.on == "source"]
        return self._composed(steps) if self._training else None

    def __call__(self, pair: Pair, seed: int) -> Pair:
        """Return the transformed pair.

        Args:
            pair: any two arrays; of equal height and width if their geometry is shared.
            seed: of all that is drawn.

        Raises:
            DataError: the pair cannot be transformed, for example because it is smaller than the crop.
        """
        sides = {"source": pair.source, "target": pair.target}
        chance = _Chance(np.random.default_rng(seed), random.Random(seed))
        try:
            if self._paired:
                sides = self._applied(self._both, sides, chance)
            else:
                for name in sides:
                    sides |= self._applied(self._both, {name: sides[name]}, chance)
            sides |= self._applied(self._source_only, {"source": sides["source"]}, chance)
        except Exception as error:  # albumentations raises many kinds
            (height, width), kinds = pair.source.shape[:2], {_kind(pair.source): None, _kind(pair.target): None}
            culprit = self._culprit(error)
            told = f"{culprit} fails on {' and '.join(kinds)}" if culprit else "[augment] says"
            raise DataError(f"{pair.key} ({width}x{height}) cannot be augmented as {told}: {error}") from error
        for name, before in (("source", pair.source), ("target", pair.target)):
            if fault := _other_kind(before, sides[name]):
                culprit = self._changer(pair) or "[augment]"
                raise DataError(f"{pair.key}: {culprit} makes the {name} {fault}")
        return Pair(sides["source"], sides["target"], pair.key)

    def _made(self, table: Transform) -> Any:
        arguments = dict(table.arguments)
        empty = inspect.signature(getattr(albumentations, table.name)).parameters.get(_EMPTY)
        unlabelled = next(iter(self._unlabelled)) if len(self._unlabelled) == 1 else None
        if unlabelled is not None and empty is not None and empty.default is not None:  # None leaves masks alone
            arguments.setdefault(_EMPTY, unlabelled)
        return _made(table.name, arguments)

    def _steps(self) -> Iterator[tuple[str, Any]]:
        """Yield each transform of the recipe's list, after what a message calls it."""
        made = vars(self)  # where it could not be made, the error is of that
        for composed, on in ((made.get("_both"), "both"), (made.get("_source_only"), "source")):
            tables = [(place, table) for place, table in enumerate(self._augment.transform) if table.on == on]
            if composed is not None and tables:
                for (place, table), step in zip(tables, composed.transforms[-len(tables) :], strict=True):
                    yield f'augment.transform.{place} ("{table.name}")', step

    def _culprit(self, error: Exception) -> str | None:
        """Return which transform an error comes from, if it is one of the recipe's list."""
        running = [frame.f_locals.get("self") for frame, _ in traceback.walk_tb(error.__traceback__)]
        return next((name for name, step in self._steps() if any(step is one for one in running)), None)

    def _changer(self, pair: Pair) -> str | None:
        """Return which transform changes the kind of a pair's pictures, as far as that shows in some attempts."""
        for name, step in self._steps():
            composed = self._composed([step])
            for seed in range(_ATTEMPTS):
                chance = _Chance(np.random.default_rng(seed), random.Random(seed))
                with contextlib.suppress(Exception):
                    done = self._applied(composed, {"source": pair.source}, chance)
                    if _other_kind(pair.source, done["source"]):
                        return name
        return None

    def _composed(self, steps: list[Any]) -> albumentations.Compose | None:
        if not steps:
            return None
        # "source" and "target" are names of our own: albumentations treats each as the kind that it is given for
        return albumentations.Compose(steps, additional_targets=self._kinds)

    def _applied(
        self, transform: albumentations.Compose | None, sides: dict[str, ImageArray], chance: _Chance
    ) -> dict[str, ImageArray]:
        if transform is None:
            return sides
        # with a seed, every transform would start from the same number, and all flips would go together
        transform.set_random_state(chance.numbers, chance.python)
        pictures = [name for name in sides if self._kinds[name] == "image"]
        # albumentations insists on an "image"; where all sides are label maps it gets an empty one
        shape = next(iter(sides.values())).shape[:2]
        image = sides[pictures[0]] if pictures else np.zeros((*shape, 1), np.uint8)
        others = {name: side for name, side in sides.items() if name not in pictures[:1]}
        done = transform(image=image, **others)
        return {name: done[name] if name in others else done["image"] for name in sides}


def transform_fault(name: str, arguments: dict[str, Any]) -> str | None:
    """Return what is wrong with a transform of albumentations that a recipe names, or None."""
    known = {
        key: value
        for key, value in vars(albumentations).items()
        if inspect.isclass(value) and issubclass(value, albumentations.BasicTransform) and key not in _ABSTRACT
    }
    if name not in known:
        return f'albumentations {albumentations.__version__} has no transform "{name}".{did_you_mean(name, known)}'
    parameters = [key for key in inspect.signature(known[name]).parameters if key != "self"]
    for key in arguments:
        if key not in parameters:
            return f'"{name}" takes no "{key}".{did_you_mean(key, parameters)}\nIt takes: {", ".join(parameters)}'
    try:
        _made(name, arguments)
    except Exception as error:  # of albumentations, which raises many kinds
        reason = str(error) if isinstance(error, ValueError | TypeError) else f"{type(error).__name__}: {error}"
        return f'"{name}" refuses its arguments: {reason}'
    return None


def _made(name: str, arguments: dict[str, Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # albumentations only warns of arguments that it does not use
        try:
            return getattr(albumentations, name)(**arguments)
        except UserWarning as warning:
            raise ValueError(str(warning)) from warning


def _other_kind(before: ImageArray, after: object) -> str | None:
    """Return what a transform has made of a picture if values are stored otherwise, which changes what they mean."""
    if not isinstance(after, np.ndarray) or after.ndim != 3:
        return f"something that is no picture any more ({type(after).__name__})."
    if after.dtype != before.dtype or after.shape[2] != before.shape[2]:
        return f"{_kind(after)} out of {_kind(before)}: leave out transforms that change the kind of a picture."
    return None


def _kind(image: ImageArray) -> str:
    return f"{counted(image.shape[2], 'channel')} of {image.dtype}"


def _resized(size: Any) -> Any:
    height, width = height_width(size)
    return albumentations.Resize(height, width, area_for_downscale="image")


def _target_kind(spec: ImageSpec) -> str:
    return "image" if kind_of(spec).is_smooth else "mask"
