"""From a checked recipe to its data sets and its method."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any, cast

import torch

from itrans.data.augment import PairTransform
from itrans.data.loader import load_batches
from itrans.data.pairs import PairItems
from itrans.data.sampler import Draw, EvaluationSampler, TrainingSampler
from itrans.errors import DataError
from itrans.members import attribution_of, is_paired
from itrans.methods.conditions import Accepted
from itrans.pictures.extras import extras_of
from itrans.scales import scale_of
from itrans.training.failures import at_work
from itrans.training.loadable import FittingNetworks, Uninitialised
from itrans.training.losses import build_losses, with_loss_networks
from itrans.training.processes import Processes
from itrans.training.scaling import refuse_other_scale, refuse_unscalable

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Generator, Mapping, Sequence

    from torch import Tensor

    from itrans.checkpoint.file import Progress
    from itrans.pictures.extras import ExtraSpec
    from itrans.pictures.spec import ImageSpec
    from itrans.protocols import Dataset, Method, WeightedLoss
    from itrans.recipe.load import Recipe
    from itrans.records import Batch, Split
    from itrans.training.runtime import Runtime


_log = logging.getLogger("itrans")
_ALONE = Processes()


def build_dataset(recipe: Recipe, split: Split) -> Dataset:
    """Make a recipe's data set.

    Raises:
        MissingSplitError: it has no such split.
        DataError: it is not there, or is empty.
    """
    dataset = cast("Dataset", recipe.build("dataset", split=split))
    with at_work(f'The data set "{recipe.tables.dataset.name}", asked for its length,'):
        length = len(dataset)
    if length == 0:
        place, key = recipe.where(("dataset",))
        raise DataError(f'{place}  {key}\n  The split "{split}" of this data set has no pairs.')
    return dataset


def with_credit(sample: str | None, dataset: Dataset) -> str | None:
    """Return the note about sample data, followed by the attribution that the data set asks for."""
    credit = attribution_of(dataset)
    return sample if sample is None or credit in sample else f"{sample} {credit}"


def build_items(recipe: Recipe, dataset: Dataset, *, training: bool, skip_bad: bool = False) -> PairItems:
    """Return a data set's pairs as the recipe wants them transformed: drawn at random, or as they are measured.

    Args:
        recipe: what to do with them.
        dataset: the recipe's.
        training: whether they are to be trained with.
        skip_bad: leave out pairs that cannot be read; see `PairItems`.
    """
    refuse_unscalable(recipe, dataset)
    transform = PairTransform(
        recipe.tables.augment,
        dataset.source,
        dataset.target,
        paired=is_paired(dataset),
        training=training,
        extras=extras_of(dataset),
        scale=scale_of(dataset),
        own=recipe.transforms(),
    )
    return PairItems(dataset, transform, recipe.tables.seed, training=training, skip_bad=skip_bad)


def training_batches(
    recipe: Recipe, dataset: Dataset, runtime: Runtime, progress: Progress, skipped: Callable[[str], None] | None = None
) -> Generator[Batch]:
    """Yield this process's training batches without end, beginning where training has got to.

    If `skipped` is given, pairs that cannot be read are left out, and it is told what is wrong with each.
    """
    tables, processes = recipe.tables, runtime.processes
    sampler = TrainingSampler(
        len(dataset),
        tables.train.batch_size,
        tables.seed,
        accumulate=tables.train.accumulate,
        rank=processes.rank,
        world_size=processes.count,
        epoch=progress.epoch,
        batch=progress.batch,
    )
    return load_batches(
        build_items(recipe, dataset, training=True, skip_bad=skipped is not None),
        sampler,
        runtime.device,
        runtime.memory_format,
        workers=tables.train.workers,
        processes=processes.count,
        skipped=skipped or (lambda _: None),
    )


def held_out_batches(
    recipe: Recipe,
    dataset: Dataset,
    count: int,
    device: torch.device,
    memory_format: torch.memory_format,
    *,
    processes: Processes = _ALONE,
    whole: bool = False,
    skipped: Callable[[str], None] | None = None,
    places: Sequence[int] | None = None,
) -> Generator[Batch]:
    """Yield the first pairs of a data set as they are measured: scaled and cropped, nothing at random.

    Args:
        recipe: says how large they are, and how many are in a batch: one where they may have several sizes.
        dataset: the pairs.
        count: how many of them.
        device: where they go.
        memory_format: how they lie there.
        processes: those that measure together; each yields its share.
        whole: the share of a process is every so many of the batches that a single one has.
        skipped: leave out pairs that cannot be read, and tell this what is wrong with each; None raises an error.
        places: yield these pairs instead, one by one, in each process.
    """
    tables = recipe.tables
    same_size = tables.augment.size or tables.augment.resize or tables.augment.crop
    size = tables.train.batch_size if same_size else 1
    share = EvaluationSampler(count, size, rank=processes.rank, world_size=processes.count, whole=whole)
    return load_batches(
        build_items(recipe, dataset, training=False, skip_bad=skipped is not None),
        share if places is None else [[Draw(0, place)] for place in places],
        device,
        memory_format,
        workers=tables.train.workers if places is None else 0,
        processes=processes.count,
        skipped=skipped or (lambda _: None),
    )


def build_method(
    recipe: Recipe,
    source: ImageSpec,
    target: ImageSpec,
    *,
    device: torch.device,
    initialize: bool = True,
    resumes: bool = False,
    fitting: tuple[Mapping[str, Mapping[str, Tensor]], str | os.PathLike[str]] | None = None,
    extras: Mapping[str, ExtraSpec] | None = None,
    dataset: Dataset | None = None,
) -> Method:
    """Make a recipe's method for training, with all its networks and losses, those that learn among the networks.

    Args:
        recipe: what to make.
        source: what the source pictures are.
        target: what the target pictures are.
        extras: what pairs have besides.
        device: where losses that are networks themselves go, which are not trained; the method's are left on the CPU.
        initialize: whether the method is to train; else it is looked at only, with a checkpoint's weights or none.
        resumes: whether training goes on with a checkpoint's weights, which are to be loaded.
        fitting: the weights of all networks, by name, and their file, for messages: networks that are far larger are
            refused; see `FittingNetworks`.
        dataset: the recipe's; generators that have another scale are refused.
    """
    losses = build_losses(recipe, device, initialize=initialize)
    has_discriminator = recipe.tables.discriminator is not None
    extras = extras or ({} if dataset is None else extras_of(dataset))
    with FittingNetworks(*fitting) if fitting else contextlib.nullcontext():
        method = _method(
            recipe,
            source,
            target,
            losses.entries,
            extras,
            has_discriminator=has_discriminator,
            initialize=initialize,
            begins=initialize and not resumes,
        )
        if dataset is not None:
            refuse_other_scale(recipe, dataset, method)
            Accepted(method, extras, recipe.tables.method.name)  # what it needs of pairs is there
        if initialize and not resumes:
            losses.refuse_undecided(method)
        return with_loss_networks(method, losses.entries, source, target)


def build_translator(
    recipe: Recipe, source: ImageSpec, target: ImageSpec, extras: Mapping[str, ExtraSpec] | None = None
) -> Method:
    """Make a recipe's method for translating only: with generators, without discriminators and losses.

    The parameters are not initialised: a checkpoint's are to be loaded.
    """
    with Uninitialised():
        return _method(
            recipe, source, target, [], extras or {}, has_discriminator=False, initialize=False, begins=False
        )


def _method(
    recipe: Recipe,
    source: ImageSpec,
    target: ImageSpec,
    losses: list[WeightedLoss],
    extras: Mapping[str, ExtraSpec],
    *,
    has_discriminator: bool,
    initialize: bool,
    begins: bool,
) -> Method:
    """Make a recipe's method; `begins` says whether its networks begin with weights of their own."""

    def build_generator(in_channels: int, out_channels: int) -> Any:
        return recipe.build("generator", in_channels=in_channels, out_channels=out_channels, initialize=begins)

    def build_discriminator(in_channels: int, condition_channels: int) -> Any:
        network = recipe.build(
            "discriminator", in_channels=in_channels, condition_channels=condition_channels, initialize=begins
        )
        layers = [module for module in network.modules() if not [*module.children()]]
        if begins and layers and isinstance(layers[-1], torch.nn.Sigmoid):
            _log.warning(
                f'The discriminator "{getattr(recipe.tables.discriminator, "name", "")}" ends in a sigmoid, and losses '
                "take logits, of either sign: with those of itrans it will hardly learn. Leave the sigmoid out."
            )
        return network

    method = recipe.build(
        "method",
        build_generator=build_generator,
        build_discriminator=build_discriminator if has_discriminator else None,
        losses=losses,
        source=source,
        target=target,
        extras=extras,
        initialize=initialize,
    )
    return cast("Method", method)
