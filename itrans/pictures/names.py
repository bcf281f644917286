"""Many texts in little memory: the names of a data set's pictures."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from itertools import islice, pairwise
from typing import TYPE_CHECKING, SupportsIndex, overload

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

_CODEC = ("utf-8", "surrogatepass")
"""How texts are stored; names of files that are no UTF-8 have surrogates in them."""

_AT_ONCE = 4096
_MOST_OF_FOUR_BYTES = 1 << 32


class Names(Sequence[str]):
    """A sequence of texts that does not change, stored as one string of bytes and the places where each text ends.

    A text takes its own bytes and four more, where a list takes about eighty more. A worker process gets it as two
    blocks, or, if it was forked, shares these: no text is an object whose count of references is written to.

    Args:
        texts: what it holds, in this order.
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        content = bytearray()
        blocks: list[NDArray[np.uint64]] = [np.zeros(1, np.uint64)]
        left = iter(texts)
        while some := [text.encode(*_CODEC) for text in islice(left, _AT_ONCE)]:
            ends = np.cumsum([len(text) for text in some], dtype=np.uint64)
            blocks.append(ends + np.uint64(len(content)))
            content += b"".join(some)
        self._keep(content, np.concatenate(blocks))

    def _keep(self, content: bytearray, bounds: NDArray[np.uint64]) -> None:
        self._content = bytes(content)
        kind = np.uint32 if len(content) < _MOST_OF_FOUR_BYTES else np.uint64
        self._bounds: NDArray[np.uint32 | np.uint64] = bounds.astype(kind)

    def __len__(self) -> int:
        return len(self._bounds) - 1

    @overload
    def __getitem__(self, index: SupportsIndex) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> Names: ...

    def __getitem__(self, index: SupportsIndex | slice) -> str | Names:
        """Return the text at a place, or those of a slice."""
        if isinstance(index, slice):
            return self.take(range(*index.indices(len(self))))
        place = operator.index(index)
        place += len(self) if place < 0 else 0
        if not 0 <= place < len(self):
            raise IndexError(f"there are {len(self)} names, and none at {index}")
        start, end = self._bounds[place : place + 2].tolist()
        return self._content[start:end].decode(*_CODEC)

    def __iter__(self) -> Iterator[str]:
        for first in range(0, len(self), _AT_ONCE):
            bounds = self._bounds[first : first + _AT_ONCE + 1].tolist()
            for start, end in pairwise(bounds):
                yield self._content[start:end].decode(*_CODEC)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Names):
            return self._content == other._content and np.array_equal(self._bounds, other._bounds)
        if isinstance(other, Sequence) and not isinstance(other, str):
            return len(self) == len(other) and all(map(operator.eq, self, other))
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]  # as of a list, with which it can be equal

    def __repr__(self) -> str:
        return f"<Names: {len(self)}, from {self[0]!r}>" if self else "<Names: 0>"

    def take(self, places: Iterable[int] | NDArray[np.int64]) -> Names:
        """Return the texts at these places, from 0 on, in their order."""
        chosen = places if isinstance(places, np.ndarray) else np.fromiter(places, np.int64)
        starts, ends = self._bounds[chosen], self._bounds[chosen + 1]
        content = bytearray()
        for first in range(0, len(chosen), _AT_ONCE):
            some = slice(first, first + _AT_ONCE)
            pieces = zip(starts[some].tolist(), ends[some].tolist(), strict=True)
            content += b"".join([self._content[start:end] for start, end in pieces])
        taken = Names()
        taken._keep(content, np.cumsum(np.concatenate([[0], ends - starts]), dtype=np.uint64))
        return taken
