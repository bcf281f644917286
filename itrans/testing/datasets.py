"""What a data set must be."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np

from itrans.data.pairs import checked_pair
from itrans.errors import DataError, MissingSplitError
from itrans.pictures.spec import ImageSpec
from itrans.records import Pair, Preparation
from itrans.registry import accepted_arguments
from itrans.testing.static import scale_faults
from itrans.testing.surroundings import check_seeding

if TYPE_CHECKING:
    from itrans.testing.findings import Findings

MOST = 16
"""How many pairs of a split are read, from its first to its last."""


def check(findings: Findings) -> None:
    """Note what is wrong with a data set."""
    given = findings.given
    if callable(make_preparation := getattr(findings.component, "preparation", None)):
        with findings.trying("preparation()"):
            made = make_preparation(**accepted_arguments(make_preparation, findings.arguments))
            findings.expect(
                made is None or isinstance(made, Preparation),
                f"preparation() should give a Preparation or None, but gives {made!r}.",
            )
    learned: set[bytes] = set()
    for split in [given["split"]] if "split" in given else ["train", "val", "test"]:
        with findings.trying(f"Its split {split}"):
            try:
                dataset = findings.build(split=split)
            except MissingSplitError as error:
                needed = split == "train" or "split" in given
                findings.expect(not needed, f"There should be a split {split}, but is none: {error}")
                continue
            pairs = _check_pairs(findings, dataset, split)
            if pairs:
                _check_draw(findings, dataset, split)
                _check_again(findings, dataset, split, pairs)
                check_seeding(findings, lambda split=split: findings.build(split=split)[0])  # type: ignore[misc]
                _check_leaks(findings, split, pairs, learned)


def _places(length: int) -> list[int]:
    """Return which pairs to read: from the first to the last, with each its neighbour, which likest shares its key."""
    if length <= MOST:
        return list(range(length))
    first = np.linspace(0, length - 2, MOST // 2).tolist()
    return [round(place) + beside for place in first for beside in (0, 1)]


def _check_pairs(findings: Findings, dataset: Any, split: str) -> list[Pair]:
    """Read some pairs and return them; none if they are not what they should be."""
    for side in ("source", "target"):
        spec = getattr(dataset, side, None)
        if not findings.expect(isinstance(spec, ImageSpec), f"Its {side} should be an ImageSpec, but is {spec!r}."):
            return []
    if found := scale_faults(dataset):
        findings.faults += found
        return []
    paired = getattr(dataset, "paired", True)
    findings.expect(isinstance(paired, bool), f"paired should be True or False, but is {paired!r}.")
    if not findings.expect(len(dataset) > 0, f"Its split {split} should have pairs, but is empty."):
        return []
    pairs: list[Pair] = []
    for place in _places(len(dataset)):
        try:
            pairs.append(checked_pair(dataset, place))
        except DataError as error:
            findings.faults.append(f"Pair {place} of {split} is not what it should be. {error}")
            return []
    _check_keys(findings, split, [pair.key for pair in pairs])
    return pairs


def _check_keys(findings: Findings, split: str, keys: list[Any]) -> None:
    for key in keys:
        if not findings.expect(
            isinstance(key, str) and key, f"A key should be a text that names the pair, and one of {split} is {key!r}."
        ):
            return
    twice = next((key for key in keys if keys.count(key) > 1), None)
    findings.expect(twice is None, f"A key should name one pair of a split, and {twice!r} names several of {split}.")


def _check_again(findings: Findings, dataset: Any, split: str, pairs: list[Pair]) -> None:
    """Read pairs again, in another order and in another process's copy."""
    places = _places(len(dataset))
    again = [checked_pair(dataset, place) for place in reversed(places)][::-1]
    findings.expect(
        all(map(_same, pairs, again)),
        f"Read twice, a pair of {split} should be the same, but is not: what is drawn at random depends on the index "
        "alone, or belongs in draw().",
    )
    with findings.trying("Sent to a worker process (by pickle), it"):
        copy = pickle.loads(pickle.dumps(dataset))
        findings.expect(
            _same(pairs[0], checked_pair(copy, places[0])),
            "Sent to a worker process (by pickle), it should give the same pairs, but gives others.",
        )


def _check_draw(findings: Findings, dataset: Any, split: str) -> None:
    if not hasattr(dataset, "draw"):
        return
    with findings.trying(f"draw(index, seed) of {split}"):
        places = _places(len(dataset))[:4]
        first = [checked_pair(dataset, place, 7) for place in places]
        checked_pair(dataset, places[0], 8)
        again = [checked_pair(dataset, place, 7) for place in reversed(places)][::-1]
        findings.expect(
            all(map(_same, first, again)),
            "draw() should give one pair for one index and seed, whatever was drawn before, but gives several.",
        )


def _check_leaks(findings: Findings, split: str, pairs: list[Pair], learned: set[bytes]) -> None:
    for pair in pairs:
        content = pair.source.tobytes() + pair.target.tobytes()
        if split == "train":
            learned.add(content)
        elif content in learned:
            findings.faults.append(
                f"A pair should be in one split, and {pair.key} of {split} is in train too: what is tested has been "
                "learned."
            )
            return


def _same(first: Pair, second: Pair) -> bool:
    sides = zip(first[:2], second[:2], strict=True)
    extras, others = getattr(first, "extras", {}), getattr(second, "extras", {})
    return (
        first[2] == second[2]
        and all(np.array_equal(one, other) for one, other in sides)
        and extras.keys() == others.keys()
        and all(np.array_equal(value, others[name]) for name, value in extras.items())
    )
