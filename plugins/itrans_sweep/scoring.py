"""The FCN scores of a sweep: one segmenter's, known by its file's content."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from itrans.api import CheckpointError, DataError, ItransError
from itrans.commands import RunFolder, build_dataset, checkpoint_path, devices
from itrans_evaluate import evaluate_checkpoint
from itrans_evaluate.segmenter import Segmenter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itrans.commands import Recipe
    from itrans_sweep.members import Member

_FCN = "fcn_"
"""What the names of scores by a segmenter begin with."""


class Scorer:
    """Adds the FCN score to what is known of members.

    Args:
        segmenter: a checkpoint from photos to label maps.
        device: its name.

    Raises:
        CheckpointError: the file cannot be read.
    """

    def __init__(self, segmenter: str, device: str) -> None:
        self._segmenter, self._device = segmenter, device
        try:
            with checkpoint_path(segmenter).open("rb") as file:
                self._sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise CheckpointError(f"--segmenter {segmenter} cannot be read: {error.strerror}.") from error

    def has_scored(self, member: Member) -> bool:
        """Whether a member's score is of this very segmenter."""
        return member.segmenter_sha256 == self._sha256

    def refuse_unfit(self, members: Sequence[Member], recipes: Sequence[Recipe]) -> None:
        """Raise `DataError` if what a recipe makes cannot be scored, or its data have no split for that.

        Args:
            members: what is to be scored, with what is known of it.
            recipes: theirs.
        """
        seen: set[str] = set()
        for member, recipe in zip(members, recipes, strict=True):
            data = json.dumps(recipe.resolved["dataset"])
            if data in seen or (member.has_ended and self.has_scored(member)):
                continue
            seen.add(data)
            try:
                dataset = build_dataset(recipe, "test")
                paired = bool(getattr(dataset, "paired", True))
                Segmenter(
                    self._segmenter, dataset.source, dataset.target, devices.choose_device(self._device), paired=paired
                )
            except ItransError as error:
                raise DataError(f"{member.recipe} cannot be scored with --segmenter. {error}") from error

    def score(self, member: Member) -> None:
        """Score a member's best checkpoint, in place of what another segmenter has found.

        Raises:
            ItransError: it cannot be scored; the member then has no score.
        """
        member.metrics = {name: value for name, value in member.metrics.items() if not name.startswith(_FCN)}
        member.segmenter, member.segmenter_sha256, member.real = None, None, {}
        checkpoint = RunFolder(Path(member.folder)).result
        found = evaluate_checkpoint(checkpoint, segmenter=self._segmenter, device=self._device)
        outputs, member.real = (
            {f"{_FCN}{name}": value for name, value in scores.items()} for scores in found.segmented.values()
        )
        member.metrics |= outputs
        member.segmenter, member.segmenter_sha256 = self._segmenter, self._sha256
