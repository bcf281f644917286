"""From a checked recipe to its data sets and its method."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any, cast

import torch
from torch.overrides import TorchFunctionMode

from itrans.data.augment import PairTransform
from itrans.data.loader import load_batches
from itrans.data.pairs import PairItems
from itrans.data.sampler import Draw, EvaluationSampler, TrainingSampler
from itrans.errors import CheckpointError, DataError
from itrans.protocols import WeightedLoss, attribution_of, is_paired
from itrans.training.failures import at_work
from itrans.training.processes import Processes

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Generator, Mapping, Sequence

    from torch import Tensor

    from itrans.checkpoint.file import Progress
    from itrans.pictures.spec import ImageSpec
    from itrans.protocols import Dataset, Method
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
    paired = is_paired(dataset)
    specs = dataset.source, dataset.target
    transform = PairTransform(recipe.tables.augment, *specs, paired=paired, training=training, own=recipe.transforms())
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
    fitting: tuple[Mapping[str, Mapping[str, Tensor]], str | os.PathLike[str]] | None = None,
) -> Method:
    """Make a recipe's method for training, with all its networks and losses.

    Args:
        recipe: what to make.
        source: what the source pictures are.
        target: what the target pictures are.
        device: where losses that are networks themselves go, which are not trained; the method's are left on the CPU.
        initialize: whether training starts with these networks; else a checkpoint's weights are to be loaded.
        fitting: the weights of all networks, by name, and their file, for messages: networks that are far larger are
            refused; see `FittingNetworks`.
    """
    losses: list[WeightedLoss] = []
    for position, table in enumerate(recipe.tables.loss):
        loss = recipe.build("loss", position=position, initialize=initialize)
        if isinstance(loss, torch.nn.Module):
            count = sum(parameter.numel() for parameter in loss.parameters() if parameter.requires_grad)
            if count and initialize:
                _log.warning(
                    f'The loss "{table.name}" has {count:,} parameters of its own, which training leaves as they are. '
                    "If that is meant, its requires_grad_(False) says so; else a method has to train them."
                )
            loss.to(device).eval().requires_grad_(False)
        taken = [entry.name for entry in losses]
        name = table.name if table.name not in taken else f"{table.name}-{position + 1}"
        losses.append(WeightedLoss(name, table.weight, loss))
    has_discriminator = recipe.tables.discriminator is not None
    with FittingNetworks(*fitting) if fitting else contextlib.nullcontext():
        return _method(recipe, source, target, losses, has_discriminator=has_discriminator, initialize=initialize)


def build_translator(recipe: Recipe, source: ImageSpec, target: ImageSpec) -> Method:
    """Make a recipe's method for translating only: with generators, without discriminators and losses.

    The parameters are not initialised: a checkpoint's are to be loaded.
    """
    with _Uninitialised():
        return _method(recipe, source, target, [], has_discriminator=False, initialize=False)


class FittingNetworks(TorchFunctionMode):
    """Refuses to build networks that are far larger than the states that are to be loaded into them.

    A checkpoint can ask for networks that no memory holds, and that take hours to build.

    Args:
        states: of all networks that are to be built, by name.
        path: the checkpoint, for messages.
    """

    def __init__(self, states: Mapping[str, Mapping[str, Tensor]], path: str | os.PathLike[str]) -> None:
        super().__init__()
        tensors = [tensor for state in states.values() for tensor in state.values() if isinstance(tensor, torch.Tensor)]
        self._path = path
        # Twice as much for weights of half the precision, and twice for what is made on the way.
        self._bytes = 4 * sum(tensor.numel() * tensor.element_size() for tensor in tensors) + _SMALL
        self._calls = 20 * len(tensors) + 10_000

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in _MAKING:
            try:
                planned = func(*args, **kwargs | {"device": "meta", "pin_memory": False, "out": None})
                self._bytes -= planned.nbytes
            except (RuntimeError, OverflowError):  # more than there are numbers for
                self._bytes = -1
            self._calls -= 1
            if self._bytes < 0 or self._calls < 0:
                raise CheckpointError(
                    f"{self._path} cannot be used: the networks that its recipe describes are far larger than the "
                    "weights that it holds."
                )
        return func(*args, **kwargs)


_SMALL = 2**31
"""Bytes that any network may take: one may have another in it that no checkpoint holds."""

_MAKING = {torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn, torch.eye, torch.arange}
"""What the tensors of networks come from."""


class _Uninitialised(TorchFunctionMode):
    """Skips the drawing of random initial values, which takes half a second for a U-Net."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in _DRAWN_IN_PLACE and isinstance(tensor := args[0] if args else kwargs["tensor"], torch.nn.Parameter):
            return tensor
        return func(*args, **kwargs)


_DRAWN_IN_PLACE = {
    torch.Tensor.normal_,
    torch.Tensor.uniform_,
    torch.nn.init.normal_,
    torch.nn.init.uniform_,
    torch.nn.init.kaiming_uniform_,
}


def _method(
    recipe: Recipe,
    source: ImageSpec,
    target: ImageSpec,
    losses: list[WeightedLoss],
    *,
    has_discriminator: bool,
    initialize: bool,
) -> Method:
    def build_generator(in_channels: int, out_channels: int) -> Any:
        return recipe.build("generator", in_channels=in_channels, out_channels=out_channels, initialize=initialize)

    def build_discriminator(in_channels: int, condition_channels: int) -> Any:
        network = recipe.build(
            "discriminator", in_channels=in_channels, condition_channels=condition_channels, initialize=initialize
        )
        layers = [module for module in network.modules() if not [*module.children()]]
        if initialize and layers and isinstance(layers[-1], torch.nn.Sigmoid):
            _log.warning(
                f'The discriminator "{getattr(recipe.tables.discriminator, "name", "")}" ends in a sigmoid, and losses '
                "take logits, of either sign: with one of ours it will hardly learn. Leave the sigmoid out."
            )
        return network

    method = recipe.build(
        "method",
        build_generator=build_generator,
        build_discriminator=build_discriminator if has_discriminator else None,
        losses=losses,
        source=source,
        target=target,
        initialize=initialize,
    )
    return cast("Method", method)
