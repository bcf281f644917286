"""The records that components exchange. Imports neither torch nor numpy.

Images are `(N, C, H, W)` float tensors in [-1, 1] wherever a network sees them, and `(H, W, C)` arrays of uint8, uint16
or float32 (in [0, 1]) where a data set makes them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from itrans.pictures.extras import Extra
    from itrans.pictures.spec import ImageArray

Split: TypeAlias = Literal["train", "val", "test"]
"""The part of a data set: to learn from, to watch and choose by, to report."""


class _Sides(NamedTuple):
    source: ImageArray
    target: ImageArray
    key: str


class Pair(_Sides):
    """One item of a data set: a tuple of source, target and key, which has `extras` besides.

    Attributes:
        source: `(H, W, Cin)` array.
        target: `(H, W, Cout)` array.
        key: what names the pair in messages and results, unique in its split: usually a file's relative path.
        extras: what else it has, by name: arrays `(H, W, C)` and numbers, as the data set's `extras` say.
    """

    extras: Mapping[str, Extra]

    def __new__(
        cls, source: ImageArray, target: ImageArray, key: str, extras: Mapping[str, Extra] | None = None
    ) -> Self:
        """Make a pair; without extras, it has none."""
        pair = super().__new__(cls, source, target, key)
        pair.extras = extras or {}
        return pair

    def _replace(self, **changes: Any) -> Self:
        """Return the pair with some of its fields, or its extras, replaced."""
        return type(self)(**{**self._asdict(), "extras": self.extras, **changes})


@dataclass(frozen=True)
class Batch:
    """What a method is given for one step.

    Attributes:
        source: `(N, Cin, H, W)` in [-1, 1].
        target: `(N, Cout, H, W)` in [-1, 1].
        keys: the pairs' keys.
        extras: what the data set's `extras` say that pairs have besides, by name: pictures as
            `(N, planes, H, W)` in [-1, 1]; whole numbers and the places of names as `(N,)` of int64, other numbers as
            `(N,)` of float32.
    """

    source: Tensor
    target: Tensor
    keys: tuple[str, ...]
    extras: Mapping[str, Tensor] = field(default_factory=dict)


class MeasuredPair(NamedTuple):
    """A held-out pair with its translation, as people look at it.

    Attributes:
        key: the pair's.
        value: what the metric that decides has measured of it; None where that is no number.
        source: `(H, W, 3)` of uint8.
        output: the translation, of the same kind.
        target: of the same kind.
    """

    key: str
    value: float | None
    source: NDArray[np.uint8]
    output: NDArray[np.uint8]
    target: NDArray[np.uint8]


@dataclass(frozen=True)
class MeasuredPairs:
    """A few of the pairs of a validation; of several processes, of those that the first one has measured.

    Attributes:
        metric: the one that decides.
        better: whether this validation is the best so far.
        best: the three best pairs by the metric, the best one first.
        worst: the three worst, the worst one first.
        spread: those that a grid of samples has, in the order of the data set: the same ones each time.
    """

    metric: str
    better: bool
    best: tuple[MeasuredPair, ...]
    worst: tuple[MeasuredPair, ...]
    spread: tuple[MeasuredPair, ...]


@dataclass
class Translated:
    """What an image loss is given.

    Attributes:
        source: `(N, Cin, H, W)` in [-1, 1].
        target: `(N, Cout, H, W)` in [-1, 1].
        output: the generator's translation of the source, `(N, Cout, H, W)`.
        discriminate: gives the discriminator's features of a picture; None where it has none.
        extras: what pairs have besides, see `Batch`.
    """

    source: Tensor
    target: Tensor
    output: Tensor
    discriminate: Callable[[Tensor], list[Tensor]] | None = None
    extras: Mapping[str, Tensor] = field(default_factory=dict)
    _features: tuple[list[Tensor], list[Tensor]] | None = field(default=None, init=False, repr=False)

    def features(self) -> tuple[list[Tensor], list[Tensor]]:
        """Return the discriminator's features of the target and of the output, computed when first asked for.

        Raises:
            TypeError: there is no discriminator, or it has no `features`.
        """
        if self.discriminate is None:
            raise TypeError("This loss compares the discriminator's features: it needs a discriminator that has some.")
        if self._features is None:
            self._features = ([f.detach() for f in self.discriminate(self.target)], self.discriminate(self.output))
        return self._features


@dataclass(frozen=True)
class Preparation:
    """What a data set does to a picture before it is a source: `itrans translate --prepare` does it to new ones.

    Attributes:
        what: what is done, as the rest of "With --prepare, ...".
        source: makes the source of a picture `(H, W, C)` and, if it takes one, a mask `(H, W)` of booleans, True where
            something is missing; it raises ValueError, or `DataError`, for what it cannot take.
        output: makes what is written of a translation, the picture and the mask; None leaves translations as they are.
        takes_mask: whether there is a mask for each picture.
        label_maps: whether pictures are read as label maps, of which the stored values count.
    """

    what: str
    source: Callable[[ImageArray, NDArray[np.bool_] | None], ImageArray]
    output: Callable[[ImageArray, ImageArray, NDArray[np.bool_] | None], ImageArray] | None = None
    takes_mask: bool = False
    label_maps: bool = False


@dataclass(frozen=True)
class Recognized:
    """What a generator or discriminator makes of weights that another program has saved.

    The component's class may have a static `recognize(state: Mapping[str, Tensor]) -> Recognized | None`. It returns
    None for weights that are none of its own, and raises `CheckpointError` for those that are and cannot be used.

    Attributes:
        arguments: what the component is to be built with, as in a recipe.
        in_channels: how many channels the network sees in all.
        out_channels: how many channels its output has; 1 if these are logits.
        names: the component's modules that have weights, and what the file calls each: `{"downs.0.conv": "model.0"}`.
        state: the file's weights, under the file's names: without what is of no use, and with what they imply.
        assumed: those of the arguments that no weights tell, each with a sentence about what is assumed and why.
    """

    arguments: Mapping[str, Any]
    in_channels: int
    out_channels: int
    names: Mapping[str, str]
    state: Mapping[str, Tensor]
    assumed: Mapping[str, str] = field(default_factory=dict)
