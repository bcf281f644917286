"""What a component must be. Imports neither torch nor numpy.

Images are `(N, C, H, W)` float tensors in [-1, 1] wherever a network sees them, and `(H, W, C)` arrays of uint8, uint16
or float32 (in [0, 1]) where a data set makes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from itrans.scales import scale_of as scale_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    import numpy as np
    import torch
    from torch import Tensor, nn

    from itrans.pictures.spec import ImageArray, ImageSpec
    from itrans.records import Batch, Pair, Translated


class Generator(Protocol):
    """A network that translates; a `torch.nn.Module`.

    Offered on construction: `in_channels`, `out_channels`, and `initialize`: False where a checkpoint's weights are
    going to be loaded, so that no others need to be drawn, read or downloaded. May have `size_multiple` (default 1):
    the height and width of what it is given are made multiples of that by reflection, and its output is cropped back.
    May have `channels_last = True`: between its layers, tensors may lie with channels last in memory, which is faster
    on a CPU; it must not call `view` on them (`flatten` and `reshape` will do). May have `scale` (default 1): an int,
    or a fraction whose denominator then divides what it is given; outputs are so many times as high and wide.
    May have `test_mode = "running"`: it is never translated with dropout or by the statistics of single pictures, as
    Pix2Pix is; for networks after other papers.
    """

    def __call__(self, source: Tensor) -> Tensor:
        """Translate `(N, Cin, H, W)` in [-1, 1] to `(N, Cout, scale H, scale W)` in [-1, 1].

        A generator that is written for a method may take more, which that method hands to it: see
        `itrans.api.apply_generator`.
        """


class Discriminator(Protocol):
    """A network that tells translations from targets; a `torch.nn.Module`.

    Offered on construction: `in_channels` (of the picture it judges), `condition_channels` (of the source that it sees
    besides; 0 if it sees none), and `initialize` (see `Generator`). Where the two sides of a
    pair differ in size, it sees the source in the target's, by the nearest pixels. May have `features(image, condition)
    -> list[Tensor]` for feature matching, and `channels_last` (see `Generator`).
    """

    def __call__(self, image: Tensor, condition: Tensor | None) -> Tensor | list[Tensor]:
        """Return logits, one for each place; a list has one tensor for each scale."""


class ImageLoss(Protocol):
    """A loss between pictures, with `role = "image"`.

    Any loss may have `trains = True`, of a `torch.nn.Module` that learns: the network `loss.NAME` of the checkpoint,
    with an optimiser. Blocks that train a generator train it too, unless the method says otherwise (see `Method`). It
    may have `prepare(networks, source, target)`, which is called once, before there are optimisers: the place to make
    layers that depend on the method's networks (by name, on the CPU) or on what pictures are (`ImageSpec`); it is given
    what it names of these. A module with trainable parameters that does not say `trains` is refused.
    """

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
class WeightedLoss:
    """An entry of a recipe's list of losses.

    Attributes:
        name: what the recipe calls it, for logs.
        weight: its value is multiplied by this.
        loss: the component.
    """

    name: str
    weight: float
    loss: Loss


class Dataset(Protocol):
    """A map-style data set of pairs; numpy only, picklable. Offered on construction: `split`.

    May have `extras`, what its pairs have besides, such as `{"domain": ("summer", "winter"), "mask": ImageSpec(1),
    "age": float}`: a name, and what it is; the pairs' own `extras` have a value for each. A picture among them has the
    size of the source, and shares its geometry, unless its spec says `aligned=False`.
    May have `paired` (default True): False has the geometry of the two sides drawn independently, and nothing is
    measured between outputs and targets. May have `draw(index, seed) -> Pair`, which training calls instead of
    indexing: a pair with something drawn at random, such as a target for an unpaired source, that depends on the index
    and the seed alone; the seed differs from epoch to epoch. May have `side_by_side` (default False): whether the two
    sides are halves of one picture, so that `itrans data check` looks at their shape. The class may have a static
    `preparation(...) -> Preparation | None`, given those of the recipe's arguments that it names: what new pictures
    need to be like sources; None is nothing. An object may have `measured_split`: the split whose pairs these are,
    where another one stands in for that which was asked for. It may have `scale` (default 1): targets are exactly so
    many times as high and wide as their sources; see `scale_of`.
    """

    source: ImageSpec
    target: ImageSpec

    def __len__(self) -> int:
        """Return the number of pairs."""

    def __getitem__(self, index: int) -> Pair:
        """Return a pair; raise `DataError`, naming the file, if it cannot be had."""


class Update(Protocol):
    """What `Runtime.update` hands to the block that trains some networks."""

    def __call__(self, losses: Mapping[str, Tensor]) -> None:
        """Descend on the sum of these (already weighted) scalars; called again, gradients add up."""


class Runtime(Protocol):
    """What a method needs of the engine; see `itrans.training.runtime`.

    Attributes:
        device: where the networks are.
        step: the number of the step that is being taken, from 0; the same for all batches of a step.
        steps: how many steps the run has.
    """

    device: torch.device
    step: int
    steps: int

    def update(self, *networks: str) -> AbstractContextManager[Update]:
        """Train just these networks within the block: all others are frozen.

        The block calls the update with losses, once or several times; the optimisers step when the block ends. In a
        step there may be several blocks of a network, or none. With `train.accumulate`, `Method.step` is called once
        for each batch of a step. Each block then gathers its gradients for itself, over all of the batches, and the
        optimisers step at its end in the last one.
        """


class Method(Protocol):
    """A way to train: what one step does with a batch.

    Offered on construction: `build_generator(in_channels, out_channels)` and
    `build_discriminator(in_channels, condition_channels)` (None where the recipe has no discriminator, and when the
    method is built to translate only), `losses` (a list of `WeightedLoss`; empty when only translating), `source` and
    `target` (`ImageSpec`), and `initialize`: False where the method is going to translate, or is looked at, so that
    what only training needs, such as a teacher's file, need not be there.

    Offered too: `extras`, what the data set's pairs have besides their pictures (a table of names; see `Dataset`).

    May have: `roles` of its class, a tuple of the roles of losses that it knows: others are refused, and with `()` a
    recipe has no losses; `updates_losses = True`, if its blocks name the networks of losses, `loss.NAME`, by
    themselves, which are trained with a generator otherwise; `directions`, the names that `translate` takes (default:
    just `forward`), of which the first goes from source to target and a second one from target to source; or a table of
    the names and their sides, such as `{"forward": ("source", "target"), "restyle": ("target", "target")}`;
    `extras`, what `translate` takes besides and the data set does not have, as a data set's `extras`;
    `state_dict` / `load_state_dict` for what is not a network, such as a pool of images; a static
    `check(losses, has_discriminator) -> list[str]` that says what is wrong with a recipe's parts before any data is
    read, given the names and classes of the losses whose roles it knows.

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
        """Update the networks; return the unweighted losses to log, each a scalar."""

    def translate(self, source: Tensor, direction: str = "forward") -> Tensor:
        """Translate `(N, C, H, W)` in [-1, 1]; raise ValueError for a direction that it does not have.

        Further keyword-only arguments are its extras, if the data set or `extras` have them by that name, and get
        tensors as `Batch.extras` has them: those without a default are always given. All others are options, which
        have annotations and defaults, and are checked as the keys of a recipe are:

            def translate(self, source, direction="forward", *, domain: Tensor, steps: int = 20) -> Tensor
        """


class Transform(Protocol):
    """A random change of training pictures, named by a recipe's `[[augment.transform]]`; numpy only, picklable.

    It is called once for each picture of a pair, or for the source alone where the recipe says `on = "source"`. All
    pictures of a pair get generators in the same state, so that what is drawn is the same for all. Label maps are left
    as they are, unless it has `labels(image, rng) -> ImageArray`, which a transform that moves pixels needs: it moves
    them alike, and mixes none.
    """

    def __call__(self, image: ImageArray, rng: np.random.Generator) -> ImageArray:
        """Return a picture changed, of the same shape and type; all that is random comes from `rng`.

        Args:
            image: `(H, W, C)` of uint8, uint16, or float32 in [0, 1] (in a range of their own, floats are mapped
                there and back); a copy, which may be changed. Floats that are returned are clipped to [0, 1].
            rng: what the recipe's seed, the epoch and the pair's index alone decide about.
        """


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


class Tracker(Protocol):
    """Somewhere that a run is followed, such as TensorBoard; named by a recipe's `[[tracker]]`.

    It is made once in a run, in the first process alone. Offered on construction: `step`, that the run goes on from; 0
    for a new one. Whatever it raises is told once, it hears nothing more, and the run goes on.

    May have `pairs(step: int, found: MeasuredPairs)`, which is told of a few pairs of each validation that measures,
    after its numbers. Nothing is told where the recipe says `log.pictures = 0`.

    A page is a tracker too. It draws something in the run's folder, for every run, without being named by a recipe.
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

    def finish(self, outcome: str) -> str | None:
        """Hear how the run has ended: `finished`, `early`, `interrupted` or `failed`. Nothing follows.

        May return what the run's last words to the user say, such as where to look; they are for a run that is over.
        """
