"""A run's checkpoints: when they are written, what errors say of them, and how a run is resumed from one."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import time
from typing import TYPE_CHECKING

import torch

from itrans.checkpoint.file import CheckpointFile, load_checkpoint, misfit, save_checkpoint
from itrans.checkpoint.places import step_of
from itrans.errors import CheckpointError, DataError, OutputError, RoomError, TrainingError
from itrans.recipe.changes import changes, may_change
from itrans.records import Pair
from itrans.training.failures import failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from torch import Tensor

    from itrans.checkpoint.file import Progress
    from itrans.errors import ItransError
    from itrans.protocols import Dataset, Method
    from itrans.recipe.document import KeyPath
    from itrans.recipe.load import Recipe
    from itrans.training.journal import Losses
    from itrans.training.record import RunFolder
    from itrans.training.runtime import Runtime

_NOTHING_SAVED = "No checkpoint had been saved yet."

_ROOT: KeyPath = ("dataset", "root")
"""What may change if the pairs are the same, at another place."""

_LOOKED_AT = 16
"""How many pairs are compared by name and size."""


class Saver:
    """Writes a run's checkpoints, and restores the state of one. Only the first process writes.

    The data set holds the training pairs; `sample` is the note about what they stand in for, or None. Once a loss is
    not finite, nothing is saved any more.
    """

    def __init__(
        self,
        recipe: Recipe,
        dataset: Dataset,
        method: Method,
        runtime: Runtime,
        sample: str | None,
        folder: RunFolder,
        losses: Losses,
    ) -> None:
        self._recipe, self._dataset, self._method, self._runtime = recipe, dataset, method, runtime
        self._sample, self._folder, self._losses = sample, folder, losses
        self._settings, self._writes = recipe.tables.checkpoint, runtime.processes.is_first
        self._saved: tuple[Path, int] | None = None
        self._saved_at = time.monotonic()

    def save(self, path: Path, progress: Progress, *, resumable: bool = True) -> None:
        """Write the state; if it need not be resumable, without optimisers, in a third of the size.

        Raises:
            TrainingError: a number of the state is not finite; what was saved before is left as it is.
            OutputError: the file cannot be written.
        """
        if not self._losses.are_finite():
            raise self.not_finite(["a loss"], progress.step)
        self._runtime.refuse_idle()
        if self._writes:
            state = self._state(progress, resumable=resumable)
            if wrong := not_finite(state):
                raise self.not_finite([wrong], progress.step)
            save_checkpoint(path, state)
        if resumable:
            self._saved = (path, progress.step)
        self._saved_at = time.monotonic()

    def save_last(self, progress: Progress) -> None:
        """Write `last.pt`, unless the state of this step is saved already; raises what `save` raises."""
        if progress.step and (self._saved is None or self._saved[1] != progress.step):
            self.save(self._folder.last, progress)

    def save_if_due(self, progress: Progress) -> None:
        """Write the state if so many steps, or so many minutes, have passed as the recipe says."""
        settings = self._settings
        if settings.every and progress.step % settings.every == 0:
            self.save(self._folder.step_checkpoint(progress.step), progress)
            if self._writes:
                self._folder.prune_step_checkpoints(settings.keep)
            self.save(self._folder.last, progress)
        elif self.seconds_since() > settings.minutes * 60:
            self.save(self._folder.last, progress)

    def seconds_since(self) -> float:
        """Return how long ago the state was saved, or the run begun."""
        return time.monotonic() - self._saved_at

    def restore(self, checkpoint: CheckpointFile, path: Path, note: Callable[[str], None]) -> None:
        """Take over a checkpoint's state, which was read from `path`; note what is not as it was then.

        Raises:
            CheckpointError: it belongs to another recipe or other data, or does not fit.
        """
        self._refuse_changes(checkpoint, path, note)
        if "optimizers" not in checkpoint.training:
            raise CheckpointError(f"{path} can be translated with, but not resumed: it holds no optimisers.")
        try:
            for name, network in self._method.networks.items():
                network.load_state_dict(checkpoint.networks[name])
            self._runtime.load_state_dict(checkpoint.training)
            if load_state_dict := getattr(self._method, "load_state_dict", None):
                load_state_dict(checkpoint.method)
        except Exception as error:  # what a network or a method makes of another one's state is up to it
            raise CheckpointError(f"{path} does not fit the networks of this recipe: {misfit(error)}") from error
        progress = checkpoint.progress
        if progress.batch * checkpoint.processes * self._recipe.tables.train.batch_size > checkpoint.length:
            raise CheckpointError(
                f"{path} is damaged, or was altered: progress.batch is {progress.batch}, more than an epoch has."
            )
        count = self._runtime.processes.count
        if checkpoint.processes != count:
            note(
                f"This run had {checkpoint.processes} processes and goes on with {count}: "
                "its steps now hold other pairs than they would have."
            )
        self._saved = (path, progress.step)

    def last_good(self) -> str:
        """Return a sentence that names the last good checkpoint."""
        if self._saved is None:
            return _NOTHING_SAVED
        if not self._saved[0].is_file():
            return f"The last checkpoint, {self._saved[0]} (step {self._saved[1]}), is no longer there."
        return f"The last good checkpoint is {self._saved[0]} (step {self._saved[1]}); --resume goes on from it."

    def with_what_is_saved(self, fault: ItransError, progress: Progress) -> ItransError:
        """Save the state if possible, and return the fault with a word on how to go on.

        It is a pair that cannot be read, a worker that was killed, or a file that cannot be written.
        """
        with contextlib.suppress(OutputError, TrainingError):
            self.save_last(progress)
        if self._saved is None:
            advice = "" if isinstance(fault, DataError) else _NOTHING_SAVED
        elif isinstance(fault, OutputError):
            advice = self.last_good()
        else:
            advice = f"The run is saved in {self._saved[0]} (step {self._saved[1]}): go on with --resume."
            if isinstance(fault, DataError):
                advice = advice.removesuffix("go on with --resume.") + (
                    "mend or replace what is broken, under the same name, and go on with --resume. If the recipe has "
                    "to change, start anew: -o DIR."
                )
        return fault if advice in str(fault) else type(fault)(f"{fault}\n{advice}")

    def with_last_good(self, error: BaseException, progress: Progress) -> ItransError:
        """Return an error that a component has raised, with the last good checkpoint added to its message.

        Nothing is saved: it came in the middle of a step, which some networks may have taken and others not.
        """
        found = failure(error, f"Step {progress.step + 1}: the method, or a part that it works with,")
        if found is error:
            return found
        advice = self.last_good()
        if isinstance(found, RoomError):
            advice = f"A smaller train.batch_size, smaller pictures or narrower networks need less. {advice}"
        return type(found)(f"{found}\n{advice}")

    def not_finite(self, names: Iterable[str], step: int) -> TrainingError:
        """Return what to raise when something is no longer a finite number: it names the last good checkpoint."""
        return TrainingError(
            f"Step {step}: {', '.join(names)} is no longer finite, and training has stopped. {self.last_good()}\n"
            'A lower optimizer.lr, optimizer.clip_norm = 1.0 or train.precision = "fp32" may help.'
        )

    def _state(self, progress: Progress, *, resumable: bool) -> CheckpointFile:
        training = self._runtime.state_dict()
        method_state = getattr(self._method, "state_dict", dict)
        return CheckpointFile(
            recipe=self._recipe.resolved,
            sample=self._sample,
            components=self._recipe.components(),
            pairs=self._pairs,
            source=self._dataset.source,
            target=self._dataset.target,
            networks={name: network.state_dict() for name, network in self._method.networks.items()},
            method=method_state() if resumable else {},
            progress=progress,
            training=training if resumable else {"averages": training["averages"]},
            length=len(self._dataset),
            processes=self._runtime.processes.count,
        )

    @functools.cached_property
    def _pairs(self) -> str:
        return pairs_digest(self._dataset)

    def _refuse_changes(self, checkpoint: CheckpointFile, path: Path, note: Callable[[str], None]) -> None:
        """Refuse a checkpoint of another recipe, or of other data; name every difference."""
        free, length = may_change(self._recipe), len(self._dataset)
        differences = changes(checkpoint.recipe, self._recipe, free=free, source=str(path))
        advice = "Undo the change, or start a new run in another folder with -o DIR."
        moved = differences and not changes(checkpoint.recipe, self._recipe, free=(*free, _ROOT), source=str(path))
        if moved and checkpoint.pairs and length == checkpoint.length:
            if self._pairs == checkpoint.pairs:
                note(f"The data are at another place, with pairs of the same names and sizes: {differences[0]}.")
                return
            advice = f"The pairs there have other names or sizes. {advice}"
        if not differences and length != checkpoint.length:
            differences = [f"the number of training pairs: {checkpoint.length} then, {length} now"]
        if differences:
            listing = "\n".join(f"  {difference}" for difference in differences)
            raise CheckpointError(
                f"{path} cannot be resumed, because the run would be another one:\n{listing}\n{advice}"
            )


def load_newest(folder: RunFolder, note: Callable[[str], None]) -> tuple[CheckpointFile, Path]:
    """Return the newest good checkpoint of a run and its path: the last one, unless one of a step is newer or better.

    Raises:
        CheckpointError: there is none.
    """
    faults: list[CheckpointError] = []
    best: tuple[CheckpointFile, Path] | None = None
    for path in folder.resumable():
        if best is not None and step_of(path) <= best[0].progress.step:
            break
        try:
            best = load_checkpoint(path, mapped=False), path  # the run will write over it
        except CheckpointError as error:
            faults.append(error)
            continue
        if path != folder.last:
            break
    if best is None:
        raise faults[0]
    if best[1] != folder.last:
        why = str(faults[0]) if faults else f"{folder.last} is older, or not there."
        note(f"{why} Going on from {best[1]}.")
    return best


def not_finite(checkpoint: CheckpointFile) -> str | None:
    """Return where a state has a number that is not finite: a weight, a buffer, a moment of an optimiser; or None."""
    state = {"network": checkpoint.networks, "method": checkpoint.method, **checkpoint.training}
    return next((key for key, tensor in tensors_in(state) if not _is_finite(tensor)), None)


def tensors_in(value: object, key: str = "") -> Iterator[tuple[str, Tensor]]:
    """Yield all tensors of nested dicts and lists, each with its dotted key."""
    if isinstance(value, torch.Tensor):
        yield key, value
    elif isinstance(value, dict | list | tuple):
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        for name, inner in entries:
            yield from tensors_in(inner, f"{key}.{name}" if key else str(name))


def _is_finite(tensor: Tensor) -> bool:
    if not tensor.is_floating_point() or not tensor.numel():
        return True
    low, high = tensor.detach().aminmax()  # one pass and no copy, and either is NaN if anything is
    return bool(low.isfinite()) and bool(high.isfinite())


def pairs_digest(dataset: Dataset) -> str:
    """Return a digest of the keys and sizes of a few pairs; an empty text if one of them cannot be read."""
    count = min(_LOOKED_AT, len(dataset))
    try:
        found = [Pair(*dataset[place * len(dataset) // count]) for place in range(count)]
    except (Exception, SystemExit):  # of a damaged picture, say, which is told, or left out, when it is trained on
        return ""
    shapes = [[pair.key, *pair.source.shape, *pair.target.shape] for pair in found]
    return hashlib.sha256(json.dumps(shapes).encode()).hexdigest()
