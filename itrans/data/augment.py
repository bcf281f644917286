"""One geometry for both pictures of a pair: resize, crop, mirror, and any transform of albumentations or one's own.

What is drawn for a pair depends on the recipe's seed, the epoch and the pair's index alone, not on the process that
happens to load it.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import random
import traceback
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, cast

import cv2
import numpy as np

from itrans.data.geometry import exactly_scaled, part_of, place_of_part, source_size
from itrans.data.own_transforms import OwnTransform, steps_of
from itrans.errors import DataError, counted
from itrans.pictures.kinds import kind_of
from itrans.pictures.ranges import from_unit_range, in_unit_range, within_range
from itrans.pictures.spec import ImageSpec
from itrans.recipe.schema import height_width
from itrans.recipe.transforms import albumentations_library, make_transform, transform_takes
from itrans.records import Pair

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import albumentations

    from itrans.pictures.extras import ExtraSpec
    from itrans.pictures.spec import ImageArray
    from itrans.protocols import Transform
    from itrans.recipe.schema import Augment
    from itrans.recipe.schema import Transform as TransformTable

    _Stage: TypeAlias = albumentations.Compose | OwnTransform

_MIRROR_PROBABILITY = 0.5
_MOST_CHANNELS = 4
"""That OpenCV resizes at once, in all ways that it has."""

_EMPTY = "fill_mask"
"""The argument of transforms that leave a part of a mask empty: what to put there, which is 0 if nothing is said."""
_EXTRA = "extra_"
"""Before the name of an extra, where it stands beside the sides of a pair."""

_ATTEMPTS = 32
"""To see what a transform does that is applied to some pictures only."""


class _Chance(NamedTuple):
    """What a pair's transforms draw from, one after the other: albumentations wants a generator of each kind."""

    numbers: np.random.Generator
    python: random.Random


class PairTransform:
    """Resizes, crops, mirrors and otherwise transforms pairs as a recipe's table says.

    Label maps are resized without mixing labels; where a transform leaves something empty they get the value that
    stands for no class, if there is one. If the sides are not `paired`, each is transformed on its own. Pictures among
    the extras are transformed with the source, or on their own if they are not aligned. Outside of training nothing is
    random: pictures are scaled to the size that training ends with.

    Where targets are `scale` times as large as sources, sizes are the sources', and a part of a target is that which
    belongs to the part of its source. Outside of training, such pictures are cut to their middle, if nothing else than
    a crop is asked for: scaled, they would not be what the one was made of the other from.
    """

    def __init__(
        self,
        augment: Augment,
        source: ImageSpec,
        target: ImageSpec,
        *,
        paired: bool = True,
        training: bool = True,
        extras: Mapping[str, ExtraSpec] | None = None,
        scale: Fraction = Fraction(1),
        own: Mapping[int, Callable[[], Transform]] | None = None,
    ) -> None:
        """Take what makes the transforms that are components, by their places in the list, as `own`."""
        self._augment, self._own = augment, own or {}
        pictures = {name: spec for name, spec in (extras or {}).items() if isinstance(spec, ImageSpec)}
        self._with_source = [_of_extra(name) for name, spec in pictures.items() if spec.aligned]
        self._alone = [_of_extra(name) for name, spec in pictures.items() if not spec.aligned]
        self._specs = {"source": source, "target": target, **{_of_extra(name): spec for name, spec in pictures.items()}}
        self._is_smooth = {name: kind_of(spec).is_smooth for name, spec in self._specs.items()}
        self._unlabelled = {spec.ignored for spec in self._specs.values() if not kind_of(spec).is_smooth}
        self._paired = paired
        self._scales = dict.fromkeys(self._specs, Fraction(1)) | {"target": scale}
        self._training = training

    @property
    def _is_cut_to_measure(self) -> bool:
        return self._scales["target"] != 1 and self._augment.resize is None

    @functools.cached_property
    def _both(self) -> tuple[_Stage, ...]:
        return self._chain("both")

    @functools.cached_property
    def _source_only(self) -> tuple[_Stage, ...]:
        return self._chain("source")

    def _chain(self, on: str) -> tuple[_Stage, ...]:
        """Return the transforms of one list: those of albumentations that follow one another are one stage."""
        tables = [(place, table) for place, table in enumerate(self._augment.transform) if table.on == on]
        stages: list[_Stage] = []
        for is_own, group in itertools.groupby(tables, lambda entry: entry[0] in self._own):
            if is_own:
                stages += [OwnTransform(self._own[place](), self._is_smooth) for place, _ in group]
            else:
                stages.append(self._compose([self._transform_of(table) for _, table in group]))
        return tuple(stages) if self._training else ()

    def __call__(self, pair: Pair, seed: int) -> Pair:
        """Return the transformed pair.

        Raises:
            DataError: the pair cannot be transformed, for example because it is smaller than the crop.
        """
        sides = {"source": pair.source, "target": pair.target}
        for name in (*self._with_source, *self._alone):
            sides[name] = cast("ImageArray", pair.extras[name.removeprefix(_EXTRA)])
        before = dict(sides)
        chance = _Chance(np.random.default_rng(seed), random.Random(seed))
        try:
            for names in self._groups():
                together = {name: sides[name] for name in names}
                sides |= self._apply(self._both, self._with_geometry(together, chance), chance)
            if self._source_only:
                chance.python.random()
            sides |= self._apply(self._source_only, {"source": sides["source"]}, chance)
        except Exception as error:  # albumentations raises many kinds
            (height, width), kinds = pair.source.shape[:2], {_kind(pair.source): None, _kind(pair.target): None}
            culprit = self._culprit(error)
            who = f"{culprit} fails on {' and '.join(kinds)}" if culprit else "[augment] says"
            raise DataError(f"{pair.key} ({width}x{height}) cannot be augmented as {who}: {error}") from error
        for name, picture in before.items():
            if fault := _other_kind(picture, sides[name]):
                culprit = self._changer(pair) or "[augment]"
                raise DataError(f"{pair.key}: {culprit} makes the {name.replace(_EXTRA, 'extra ')} {fault}")
            sides[name] = within_range(sides[name], self._specs[name])
        made = {name.removeprefix(_EXTRA): side for name, side in sides.items() if name.startswith(_EXTRA)}
        return Pair(sides["source"], sides["target"], pair.key, {**pair.extras, **made} if pair.extras else None)

    def _groups(self) -> list[list[str]]:
        """Return the pictures of a pair, those together that share a geometry."""
        first = ["source", "target"] if self._paired else ["source"]
        return [first + self._with_source, *([] if self._paired else [["target"]]), *([name] for name in self._alone)]

    def _with_geometry(self, sides: dict[str, ImageArray], chance: _Chance) -> dict[str, ImageArray]:
        """Return sides resized, cropped and mirrored alike, as the recipe says."""
        augment, training, scales = self._augment, self._training, self._scales
        is_cut = augment.crop is not None and (training or self._is_cut_to_measure)
        size = (
            (augment.resize or augment.size) if is_cut or training else augment.crop or augment.resize or augment.size
        )
        if size or is_cut or (training and (augment.mirror or self._both)):
            if len({source_size(side, scales[name]) for name, side in sides.items()}) > 1:
                raise ValueError("the height and width of both sides should be equal")
            # Albumentations begins with a draw that decides nothing, and what a seed gives is to stay the same.
            chance.python.random()
        if size:
            wanted = height_width(size)
            sides = {
                name: _in_size(side, exactly_scaled(wanted, scales[name]), smooth=self._is_smooth[name])
                for name, side in sides.items()
            }
        if is_cut and augment.crop:
            name, side = next(iter(sides.items()))
            height, width = (int(length) for length in source_size(side, scales[name]))
            wanted = height_width(augment.crop)
            if wanted[0] > height or wanted[1] > width:
                raise ValueError(
                    f"Crop size (height, width) exceeds image dimensions (height, width): {wanted} vs {(height, width)}"
                )
            whole = scales["target"].denominator
            corner = (
                place_of_part(height, wanted[0], whole, chance.python.random() if training else None),
                place_of_part(width, wanted[1], whole, chance.python.random() if training else None),
            )
            sides = {name: part_of(side, corner, wanted, scales[name]) for name, side in sides.items()}
        if training and augment.mirror and chance.python.random() < _MIRROR_PROBABILITY:
            sides = {name: _mirror_image(side) for name, side in sides.items()}
        return sides

    def _transform_of(self, table: TransformTable) -> Any:
        arguments = dict(table.arguments)
        unlabelled = next(iter(self._unlabelled)) if len(self._unlabelled) == 1 else None
        if unlabelled is not None and transform_takes(table.name, _EMPTY):  # None leaves masks alone
            arguments.setdefault(_EMPTY, unlabelled)
        return make_transform(table.name, arguments)

    def _steps(self) -> Iterator[tuple[str, Any]]:
        """Yield each transform of the recipe's list, after what a message calls it."""
        made = vars(self)  # where it could not be made, the error is of that
        for stages, on in ((made.get("_both"), "both"), (made.get("_source_only"), "source")):
            tables = [(place, table) for place, table in enumerate(self._augment.transform) if table.on == on]
            steps = [step for stage in stages or () for step in steps_of(stage)]
            for (place, table), step in zip(tables, steps, strict=False):
                yield f'augment.transform.{place} ("{table.name}")', step

    def _culprit(self, error: Exception) -> str | None:
        """Return which transform an error comes from, if it is one of the recipe's list."""
        running = [frame.f_locals.get("self") for frame, _ in traceback.walk_tb(error.__traceback__)]
        return next((name for name, step in self._steps() if any(step is one for one in running)), None)

    def _changer(self, pair: Pair) -> str | None:
        """Return which transform changes the kind of a pair's pictures, as far as that shows in some attempts."""
        for name, step in self._steps():
            stage = step if isinstance(step, OwnTransform) else self._compose([step])
            for seed in range(_ATTEMPTS):
                chance = _Chance(np.random.default_rng(seed), random.Random(seed))
                with contextlib.suppress(Exception):
                    done = self._apply((stage,), {"source": pair.source}, chance)
                    if _other_kind(pair.source, done["source"]):
                        return name
        return None

    def _compose(self, steps: list[Any]) -> albumentations.Compose:
        # "source" and "target" are names of our own: albumentations treats each as what it is said to be
        kinds = {name: "image" if smooth else "mask" for name, smooth in self._is_smooth.items()}
        return albumentations_library().Compose(steps, additional_targets=kinds)

    def _apply(
        self, stages: tuple[_Stage, ...], sides: dict[str, ImageArray], chance: _Chance
    ) -> dict[str, ImageArray]:
        for stage in stages:
            unit = {name: in_unit_range(side, self._specs[name]) for name, side in sides.items()}
            done = (
                stage(unit, chance.numbers) if isinstance(stage, OwnTransform) else self._composed(stage, unit, chance)
            )
            sides = {name: from_unit_range(side, self._specs[name]) for name, side in done.items()}
        return sides

    def _composed(
        self, transform: albumentations.Compose, sides: dict[str, ImageArray], chance: _Chance
    ) -> dict[str, ImageArray]:
        # with a seed, every transform would start from the same number, and all flips would go together
        transform.set_random_state(chance.numbers, chance.python)
        pictures = [name for name in sides if self._is_smooth[name]]
        # albumentations insists on an "image"; where all sides are label maps it gets an empty one
        shape = next(iter(sides.values())).shape[:2]
        image = sides[pictures[0]] if pictures else np.zeros((*shape, 1), np.uint8)
        others = {name: side for name, side in sides.items() if name not in pictures[:1]}
        done = transform(image=image, force_apply=True, **others)  # spares that draw
        return {name: done[name] if name in others else done["image"] for name in sides}


def _of_extra(name: str) -> str:
    return f"{_EXTRA}{name}"


def _other_kind(before: ImageArray, after: object) -> str | None:
    """Return what is wrong with a transformed picture whose values are stored in another way; None if they are not."""
    if not isinstance(after, np.ndarray) or after.ndim != 3:
        return f"something that is no longer a picture ({type(after).__name__})."
    if after.dtype != before.dtype or after.shape[2] != before.shape[2]:
        return f"{_kind(after)} out of {_kind(before)}: leave out transforms that change the kind of a picture."
    return None


def _kind(image: ImageArray) -> str:
    return f"{counted(image.shape[2], 'channel')} of {image.dtype}"


def _in_size(image: ImageArray, size: tuple[int, int], *, smooth: bool) -> ImageArray:
    """Return a picture scaled to a height and a width; by the nearest pixels if it is not smooth."""
    height, width, channels = image.shape
    if size == (height, width):
        return image
    shrinks = size[0] < height or size[1] < width
    how = (cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR) if smooth else cv2.INTER_NEAREST
    edges = [*range(0, channels, _MOST_CHANNELS)]
    if len(edges) > 1 and channels - edges[-1] == 2:  # two at once are rounded otherwise, as albumentations knows
        edges.append(channels - 1)
    parts = cast("list[ImageArray]", np.split(image, edges[1:], axis=2))
    done = [cv2.resize(part, size[::-1], interpolation=how) for part in parts]
    return cast("ImageArray", done[0].reshape(*size, channels) if len(done) == 1 else np.dstack(done))


def _mirror_image(image: ImageArray) -> ImageArray:
    if image.shape[2] <= _MOST_CHANNELS:  # in a tenth of the time that NumPy takes
        return cast("ImageArray", cv2.flip(image, 1).reshape(image.shape))
    return cast("ImageArray", np.ascontiguousarray(image[:, ::-1]))
