"""What a component must be, and the records that components exchange. Imports neither torch nor numpy.

Images are `(N, C, H, W)` float tensors in [-1, 1] wherever a network sees them, and `(H, W, C)` arrays of uint8, uint16
or float32 (in [0, 1]) where a data set makes them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeAlias

from itrans.pictures.spec import ImageKind as ImageKind
from itrans.pictures.spec import ImageSpec as ImageSpec
from itrans.pictures.spec import PixelType as PixelType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from itrans.pictures.spec import ImageArray as ImageArray

Split: TypeAlias = Literal["train", "val", "test"]
"""The part of a data set: to learn from, to watch and choose by, to report."""


class Pair(NamedTuple):
    """One item of a data set.

    Attributes:
        source: `(H, W, Cin)` array.
        target: `(H, W, Cout)` array.
        key: what names the pair in messages and results, unique in its split: usually a file's relative path.
    """

    source: ImageArray
    target: ImageArray
    key: str


@dataclass(frozen=True)
class Batch:
    """What a method is given for one step.

    Attributes:
        source: `(N, Cin, H, W)` in [-1, 1].
        target: `(N, Cout, H, W)` in [-1, 1].
        keys: the pairs' keys.
    """

    source: Tensor
    target: Tensor
    keys: tuple[str, ...]


@dataclass
class Translated:
    """What an image loss is given.

    Attributes:
        source: `(N, Cin, H, W)` in [-1, 1].
        target: `(N, Cout, H, W)` in [-1, 1].
        output: the generator's translation of the source, `(N, Cout, H, W)`.
    """

    source: Tensor
    target: Tensor
    output: Tensor
    discriminate: Callable[[Tensor], list[Tensor]] | None = None
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


class Generator(Protocol):
    """A network that translates; a `torch.nn.Module`.

    Offered on construction: `in_channels`, `out_channels`, and `initialize`: False where a checkpoint's weights are
    going to be loaded, so that no others need to be drawn, read or downloaded. May have `size_multiple` (default 1):
    the height and width of what it is given are made multiples of that by reflection, and its output is cropped back.
    """

    def __call__(self, source: Tensor) -> Tensor:
        """Translate `(N, Cin, H, W)` in [-1, 1] to `(N, Cout, H, W)` in [-1, 1]."""


class Discriminator(Protocol):
    """A network that tells translations from targets; a `torch.nn.Module`.

    Offered on construction: `in_channels` (of the picture it judges), `condition_channels` (of the source that it sees
    besides; 0 if it sees none), and `initialize` (see `Generator`). May have `features(image, condition) ->
    list[Tensor]` for feature matching.
    """

    def __call__(self, image: Tensor, condition: Tensor | None) -> Tensor | list[Tensor]:
        """Return logits, one for each place; a list has one tensor for each scale."""


class ImageLoss(Protocol):
    """A loss between pictures, with `role = "image"`."""

    role: Literal["image"]

    def __call__(self, translated: Translated) -> Tensor:
        """Return a scalar to be minimised by the generator."""


class AdversarialLoss(Protocol):
    """A loss on the discriminator's logits, with `role = "adversarial"`.

    Attributes:
        conditional: whether the discriminator sees the source besides the picture.
    """

    role: Literal["adversarial"]
    conditional: bool

    def generator(self, fake_logits: Tensor) -> Tensor:
        """Return a scalar to be minimised by the generator."""

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """Return a scalar to be minimised by the discriminator (the method halves it, as the paper does)."""


Loss: TypeAlias = ImageLoss | AdversarialLoss


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


class Dataset(Protocol):
    """A map-style data set of pairs; numpy only, picklable. Offered on construction: `split`.

    May have `paired` (default True): False has the geometry of the two sides drawn independently, and nothing is
    measured between outputs and targets. May have `draw(index, seed) -> Pair`, which training calls instead of
    indexing: a pair with something drawn at random, such as a target for an unpaired source, that depends on the index
    and the seed alone; the seed differs from epoch to epoch. May have `side_by_side` (default False): whether the two
    sides are halves of one picture, so that `itrans data check` looks at their shape. The class may have a static
    `preparation(...) -> Preparation | None`, given those of the recipe's arguments that it names: what new pictures
    need to be like sources; None is nothing. An object may have `measured_split`: the split whose pairs these are,
    where another one stands in for that which was asked for.
    """

    source: ImageSpec
    target: ImageSpec

    def __len__(self) -> int:
        """Return the number of pairs."""

    def __getitem__(self, index: int) -> Pair:
        """Return a pair; raise `DataError`, naming the file, if it cannot be had."""


@dataclass(frozen=True)
class WeightedLoss:
    """An entry of a recipe's list of losses.

    Attributes:
        name: what the recipe calls it, for logs.
        weight: what its value is multiplied with.
        loss: the component.
    """

    name: str
    weight: float
    loss: Loss


class Update(Protocol):
    """What `Runtime.update` hands to the block that trains some networks."""

    def __call__(self, losses: Mapping[str, Tensor]) -> None:
        """Descend on the sum of these (already weighted) scalars."""


class Runtime(Protocol):
    """What a method needs of the engine; see `itrans.training.runtime`."""

    def update(self, *networks: str) -> AbstractContextManager[Update]:
        """Train just these networks within the block: all others are frozen.

        The block must call the update once; the optimisers step when the block ends.
        """


class Method(Protocol):
    """A way to train: what one step does with a batch.

    Offered on construction: `build_generator(in_channels, out_channels)` and
    `build_discriminator(in_channels, condition_channels)` (None where the recipe has no discriminator, and when the
    method is built to translate only), `losses` (a list of `WeightedLoss`; empty when only translating), `source` and
    `target` (`ImageSpec`).

    May have: `directions`, the names that `translate` takes (default: just `forward`), of which the first goes from
    source to target and a second one from target to source;
    `state_dict` / `load_state_dict` for what is not a network, such as a pool of images; a static
    `check(losses, has_discriminator) -> list[str]` that says what is wrong with a recipe's parts before any data is
    read, given the loss components' names and classes.

    Attributes:
        networks: every network by name; the names are the checkpoint's keys.
        generators: the names of those that `translate` needs.
    """

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        """Every network by name."""

    @property
    def generators(self) -> Sequence[str]:
        """The names of the networks that translate."""

    def step(self, batch: Batch, runtime: Runtime) -> Mapping[str, Tensor]:
        """Update every network once; return the unweighted losses to log, each a scalar."""

    def translate(self, source: Tensor, direction: str = "forward") -> Tensor:
        """Translate `(N, C, H, W)` in [-1, 1]; raise ValueError for a direction that it does not have."""


class Metric(Protocol):
    """What is measured of outputs against their targets.

    Offered on construction: `source` and `target` (`ImageSpec`), `device`, and `announce`, a function to be told of a
    download before it begins.

    Its class says `lower_is_better`, and may say `kinds`, of the targets that it is for (default: all whose values may
    be mixed, which those of `labels` may not).
    May have `smallest` (default 1), the shorter side in pixels of the smallest pictures that it can measure; and
    `value(total) -> float | None` for what is no mean over pictures: the value that the sum over all pictures of what
    `measure` returns makes, None where there is none.
    """

    lower_is_better: bool

    def measure(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return a value for each picture, `(N,)`; with `value`, whatever is to be summed over pictures, `(N, ...)`.

        Args:
            outputs: `(N, C, H, W)` of float32 in [-1, 1], not rounded to what files store; a plane for each class
                where targets are label maps.
            targets: of the same shape.
        """


Table: TypeAlias = dict[str, Any]
"""A table of a recipe: a component's `name` and its arguments."""


@dataclass(frozen=True)
class Recognized:
    """What a generator or discriminator makes of weights that another program has saved.

    The component's class may have a static `recognize(state: Mapping[str, Tensor]) -> Recognized | None`. It returns
    None for weights that are none of its own, and raises `CheckpointError` for those that are and cannot be used.

    Attributes:
        arguments: what the component is to be built with, as in a recipe.
        in_channels: of all that the network sees.
        out_channels: of what it puts out; 1 where that is logits.
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


class Tracker(Protocol):
    """Somewhere that a run is followed, such as TensorBoard; named by a recipe's `[[tracker]]`.

    It is made once in a run, in the first process alone. Offered on construction: `step`, that the run goes on from; 0
    for a new one. Whatever it raises is told once, it hears nothing more, and the run goes on.
    """

    def start(self, recipe: Mapping[str, Any], folder: Path) -> None:
        """Hear the recipe, as plain data with every default, and the run's folder, in which files may be written."""

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Hear numbers of a step.

        They are the means of `loss/NAME` since the last time, `lr` and `images_per_second`; after a validation,
        `validation/NAME`.
        """

    def pictures(self, step: int, name: str, image: ImageArray) -> None:
        """Hear a picture `(H, W, 3)` of uint8: the grid of samples, whose name is `samples`."""

    def finish(self, outcome: str) -> None:
        """Hear how the run has ended: `finished`, `early`, `interrupted` or `failed`. Nothing follows."""
