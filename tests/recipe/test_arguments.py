from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from pathlib import Path

import pytest

from itrans.recipe.signature import Signature


class Colour(Enum):
    RED = "red"


class Part:
    def __init__(
        self,
        *,
        channels: int,
        sizes: tuple[int, ...] = (1, 2),
        place: Path = Path("a"),
        colour: Colour = Colour.RED,
        norm: Callable[[int], object] = str,
        holes: tuple[int | None, ...] = (1, None),
        table: dict[int, int] | None = None,
    ) -> None:
        self.everything = (channels, sizes, place, colour, norm, holes, table)


def test_values_come_as_the_annotations_say():
    signature = Signature(Part)
    given = {"channels": 3, "sizes": [4, 5], "place": "b/c", "colour": "red"}
    assert signature.faults(given, "part") == []
    assert signature.values(given) == {"channels": 3, "sizes": (4, 5), "place": Path("b/c"), "colour": Colour.RED}


def test_a_repeated_default_is_left_to_the_component():
    signature = Signature(Part)
    defaults = signature.defaults()
    assert defaults == {"sizes": [1, 2]}
    assert signature.values({"channels": 1, **defaults}) == {"channels": 1}


def test_types_that_toml_cannot_say_are_listed_and_not_checked():
    signature = Signature(Part)
    assert "norm (" in signature.listing()
    assert "holes (list of int" in signature.listing()


@pytest.mark.parametrize("value", ["3", 3.5, True, None, [3]])
def test_nothing_is_converted_behind_ones_back(value):
    assert Signature(Part).faults({"channels": value}, "part")
