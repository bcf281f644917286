"""What a file says of the pictures that are translated with it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from itrans.errors import DataError, did_you_mean, quoted
from itrans.translating.preparation import dataset_class, preparation_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from itrans.checkpoint.file import CheckpointFile
    from itrans.members import Side
    from itrans.pictures.spec import ImageSpec
    from itrans.records import Preparation


class Described:
    """What a checkpoint, or another file that translates, says of itself.

    Attributes:
        source: what the source pictures were in training.
        target: what the target pictures were.
        directions: what a direction may be, the default first.
        sample: what the training data stood in for, or None if they were the recipe's own.
        title: the recipe's title.
        trained_size: the height and width that training scaled whole pictures to, before it cropped; None if it took
            them as they were.
    """

    def __init__(self, record: CheckpointFile, sides: Mapping[str, tuple[Side, Side]]) -> None:
        self.source, self.target, self.sample = record.source, record.target, record.sample
        self.title: str = record.recipe.get("title", "")
        self.directions, self._sides = tuple(sides), sides
        self._dataset: dict[str, Any] = record.recipe.get("dataset", {})
        self.trained_size = _trained_size(record.recipe.get("augment"))

    def sides(self, direction: str | None = None) -> tuple[Side, Side]:
        """Return which picture of a pair a direction takes, and which one it makes.

        Raises:
            DataError: there is no such direction.
        """
        if direction is not None and direction not in self.directions:
            raise DataError(
                f'There is no direction "{direction}".{did_you_mean(direction, self.directions)} '
                f"This checkpoint's method translates {', '.join(quoted(self.directions))}."
            )
        return self._sides[direction or self.directions[0]]

    def specs(self, direction: str | None = None) -> tuple[ImageSpec, ImageSpec]:
        """Return what a direction takes and what it makes.

        Raises:
            DataError: there is no such direction.
        """
        of = {"source": self.source, "target": self.target}
        taken, made = self.sides(direction)
        return of[taken], of[made]

    def goes_back(self, direction: str | None) -> bool:
        """Return whether a direction takes targets, as the second of two does that go there and back."""
        return direction in self.directions and self.sides(direction)[0] == "target"

    @functools.cached_property
    def preparation(self) -> Preparation | None:
        """What the data set did to pictures before they were sources; None for nothing, or if it is not installed."""
        return preparation_of(self._dataset)

    @property
    def background(self) -> str:
        """The colour that the data set laid transparent pictures on."""
        return str(self._dataset.get("background", "white"))

    @functools.cached_property
    def trained_on_halves(self) -> bool:
        """Whether sources and targets were the halves of one picture."""
        return bool(getattr(dataset_class(self._dataset), "side_by_side", False))


def _trained_size(augment: Any) -> tuple[int, int] | None:
    """Return the height and width that a recipe scales pictures to, or None."""
    if not isinstance(augment, dict):
        return None
    match augment.get("resize") or augment.get("size"):
        case int(side):
            return side, side
        case [int(rows), int(columns)]:
            return rows, columns
    return None
