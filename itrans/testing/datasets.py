"""What a data set must be."""

from __future__ import annotations

import contextlib
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np

from itrans.data.loader import checked_pair
from itrans.errors import DataError, MissingSplitError
from itrans.protocols import ImageSpec, Pair
from itrans.registry import accepted
from itrans.testing.findings import Findings

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST = 16


def faults(component: Callable[..., Any], arguments: dict[str, Any]) -> list[str]:
    """Return what is wrong with a data set."""
    findings = Findings()
    learned: set[bytes] = set()
    for split in ("train", "val", "test"):
        with findings.trying(f"Reading its split {split}"):
            try:
                dataset = component(**accepted(component, {"split": split}), **arguments)
            except MissingSplitError:
                findings.expect(split != "train", "It has no split train.")
                continue
            _check_split(findings, dataset, split, learned)
    return findings.faults


def _check_split(findings: Findings, dataset: Any, split: str, learned: set[bytes]) -> None:
    for side in ("source", "target"):
        spec = getattr(dataset, side, None)
        if not findings.expect(isinstance(spec, ImageSpec), f"Its {side} is {spec!r}; it should be an ImageSpec."):
            return
    if not findings.expect(len(dataset) > 0, f"Its split {split} is empty."):
        return
    places = np.unique(np.linspace(0, len(dataset) - 1, _MOST).astype(int)).tolist()
    pairs: list[Pair] = []
    for place in places:
        try:
            pairs.append(checked_pair(dataset, place))
        except DataError as error:
            findings.faults.append(f"Pair {place} of {split}: {error}")
            return
    keys = [pair.key for pair in pairs]
    findings.expect(all(isinstance(key, str) and key for key in keys), "A key should be a text that names the pair.")
    findings.expect(len(set(keys)) == len(keys), f"Several pairs of {split} have one key; a key names one pair.")
    again = checked_pair(dataset, places[0])
    findings.expect(
        _same(pairs[0], again), "Read twice, a pair is not the same; what is drawn at random belongs in draw()."
    )
    with findings.trying("Sending it to a worker process (pickle)"):
        copy = pickle.loads(pickle.dumps(dataset))
        findings.expect(_same(pairs[0], checked_pair(copy, places[0])), "Once pickled, it gives other pairs.")
    for pair in pairs:
        content = pair.source.tobytes() + pair.target.tobytes()
        if split == "train":
            learned.add(content)
        elif content in learned:
            findings.faults.append(f"The pair {pair.key} of {split} is in train too: what is tested has been learned.")
    if hasattr(dataset, "draw"):
        first, second = dataset.draw(places[0], 1), dataset.draw(places[0], 1)
        findings.expect(
            _same(first, second), "draw() with one seed gives two pairs; it should depend on index and seed alone."
        )
    with contextlib.suppress(AttributeError):
        findings.expect(isinstance(dataset.paired, bool), f"paired is {dataset.paired!r}; it should be True or False.")


def _same(first: Pair, second: Pair) -> bool:
    sides = zip(first[:2], second[:2], strict=True)
    return first[2] == second[2] and all(np.array_equal(one, other) for one, other in sides)
