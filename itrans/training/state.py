"""The state of a training run: into a checkpoint, and out of one if nothing that training depends on has changed."""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from itrans.checkpoint.file import CheckpointFile, Progress, misfit
from itrans.errors import CheckpointError
from itrans.recipe.changes import changes, may_change
from itrans.records import Pair

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from itrans.protocols import Dataset, Method
    from itrans.recipe.document import KeyPath
    from itrans.recipe.load import Recipe
    from itrans.training.runtime import Runtime

_ROOT: KeyPath = ("dataset", "root")
"""What may change if the pairs are the same, at another place."""

_LOOKED_AT = 16
"""How many pairs are compared by name and size."""


@dataclass
class RunState:
    """All that changes while a run goes on, and what it belongs to.

    Attributes:
        recipe: what is trained.
        dataset: the training pairs.
        method: with its networks.
        runtime: with its optimisers.
        sample: what the data stand in for, or None.
    """

    recipe: Recipe
    dataset: Dataset
    method: Method
    runtime: Runtime
    sample: str | None

    @functools.cached_property
    def pairs(self) -> str:
        """The digest of the training pairs; see `pairs_digest`."""
        return pairs_digest(self.dataset)

    def captured(self, progress: Progress, *, resumable: bool) -> CheckpointFile:
        """Return the state as a checkpoint.

        Args:
            progress: how far training has come.
            resumable: with optimisers; without them the file is a third of the size and translates as well.
        """
        training = self.runtime.state_dict()
        method_state = getattr(self.method, "state_dict", dict)
        return CheckpointFile(
            recipe=self.recipe.resolved,
            sample=self.sample,
            components=self.recipe.components(),
            pairs=self.pairs,
            source=self.dataset.source,
            target=self.dataset.target,
            networks={name: network.state_dict() for name, network in self.method.networks.items()},
            method=method_state() if resumable else {},
            progress=replace(progress),
            training=training if resumable else {"averages": training["averages"]},
            length=len(self.dataset),
            processes=self.runtime.processes.count,
        )

    def restored(self, checkpoint: CheckpointFile, path: Path, note: Callable[[str], None]) -> Progress:
        """Take over a checkpoint's state and return how far it had come.

        Args:
            checkpoint: what has been read.
            path: where from, for messages.
            note: told if the data are at another place.

        Raises:
            CheckpointError: it belongs to another recipe or other data, or does not fit.
        """
        self._refuse_changes(checkpoint, path, note)
        if "optimizers" not in checkpoint.training:
            raise CheckpointError(f"{path} can be translated with, but not resumed: it holds no optimisers.")
        try:
            for name, network in self.method.networks.items():
                network.load_state_dict(checkpoint.networks[name])
            self.runtime.load_state_dict(checkpoint.training)
            if load_state_dict := getattr(self.method, "load_state_dict", None):
                load_state_dict(checkpoint.method)
        except Exception as error:  # what a network or a method makes of another one's state is up to it
            raise CheckpointError(f"{path} does not fit the networks of this recipe: {misfit(error)}") from error
        progress = checkpoint.progress
        pairs = progress.batch * checkpoint.processes * self.recipe.tables.train.batch_size
        if pairs > checkpoint.length:
            raise CheckpointError(
                f"{path} is damaged, or was altered: progress.batch is {progress.batch}, more than an epoch has."
            )
        then, now = (recipe.get("validation", {}) for recipe in (checkpoint.recipe, self.recipe.resolved))
        if any(then.get(key) != now.get(key) for key in ("metric", "split", "pairs")):
            progress = replace(progress, best=None, best_step=0, stale=0)  # what was best is not comparable
        return replace(progress, batch=progress.batch * checkpoint.processes // self.runtime.processes.count)

    def _refuse_changes(self, checkpoint: CheckpointFile, path: Path, note: Callable[[str], None]) -> None:
        """Compare the recipe and its data with what a checkpoint was made from, and name every difference."""
        free = may_change(self.recipe)
        differences = changes(checkpoint.recipe, self.recipe, free=free, source=str(path))
        advice = "Undo the change, or start a new run in another folder with -o DIR."
        moved = differences and not changes(checkpoint.recipe, self.recipe, free=(*free, _ROOT), source=str(path))
        if moved and checkpoint.pairs and len(self.dataset) == checkpoint.length:
            if self.pairs == checkpoint.pairs:
                note(f"The data are at another place, with pairs of the same names and sizes: {differences[0]}.")
                return
            advice = f"The pairs there have other names or sizes. {advice}"
        if not differences and len(self.dataset) != checkpoint.length:
            differences = [f"the number of training pairs: {checkpoint.length} then, {len(self.dataset)} now"]
        if differences:
            listing = "\n".join(f"  {difference}" for difference in differences)
            raise CheckpointError(
                f"{path} cannot be resumed, because the run would be another one:\n{listing}\n{advice}"
            )


def pairs_digest(dataset: Dataset) -> str:
    """Return a digest of some pairs' keys and sizes, spread over a data set; empty where one of them cannot be read."""
    count = min(_LOOKED_AT, len(dataset))
    try:
        found = [Pair(*dataset[place * len(dataset) // count]) for place in range(count)]
    except (Exception, SystemExit):  # of a damaged picture, say, which is told, or left out, when it is trained on
        return ""
    shapes = [[pair.key, *pair.source.shape, *pair.target.shape] for pair in found]
    return hashlib.sha256(json.dumps(shapes).encode()).hexdigest()
