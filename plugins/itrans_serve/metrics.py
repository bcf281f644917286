"""What the server counts, as Prometheus reads it.

The text format is that of https://prometheus.io/docs/instrumenting/exposition_formats/.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64)


class Histogram:
    """How many values there were up to each of some bounds, and their sum. Not for several threads by itself."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def lines(self, name: str) -> list[str]:
        """Return the samples of the text format; each bucket counts those of the smaller ones too."""
        found, total = [], 0
        for bound, count in zip((*self._bounds, "+Inf"), self._counts, strict=True):
            total += count
            found.append(f'{name}_bucket{{le="{bound}"}} {total}')
        return [*found, f"{name}_sum {self._sum:.6f}", f"{name}_count {total}"]


class Metrics:
    """Counts what several threads report.

    Attributes:
        waiting: tells how many pictures wait to be translated.
    """

    def __init__(self) -> None:
        self.waiting: Callable[[], int] = lambda: 0
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, int]] = Counter()
        self._pictures = self._dropped = 0
        self._batches, self._seconds = Histogram(_SIZES), Histogram(_SECONDS)

    def count_request(self, path: str, status: int, seconds: float) -> None:
        """Count a request that has been answered; the time is that of translations alone."""
        with self._lock:
            self._requests[path, status] += 1
            if path == "/translate":
                self._seconds.add(seconds)

    def count_batch(self, size: int) -> None:
        """Count pictures that were translated at once."""
        with self._lock:
            self._pictures += size
            self._batches.add(size)

    def count_dropped(self) -> None:
        """Count a picture that nobody waited for any more when its turn came."""
        with self._lock:
            self._dropped += 1

    def text(self) -> str:
        """Return all of it in the text format."""
        with self._lock:
            requests = [
                f'itrans_requests_total{{path="{path}",status="{status}"}} {count}'
                for (path, status), count in sorted(self._requests.items())
            ]
            blocks = [
                ("itrans_requests_total", "counter", "Requests by path and status.", requests),
                _single("itrans_pictures_total", "counter", "Pictures translated.", self._pictures),
                _single("itrans_dropped_total", "counter", "Pictures whose client had left.", self._dropped),
                _single("itrans_queue_length", "gauge", "Pictures waiting.", self.waiting()),
                ("itrans_batch_size", "histogram", "Pictures in one batch.", self._batches.lines("itrans_batch_size")),
                (
                    "itrans_translate_seconds",
                    "histogram",
                    "Seconds from a request to its answer.",
                    self._seconds.lines("itrans_translate_seconds"),
                ),
            ]
        return "".join(
            f"# HELP {name} {text}\n# TYPE {name} {kind}\n" + "".join(f"{line}\n" for line in lines)
            for name, kind, text, lines in blocks
        )


def _single(name: str, kind: str, text: str, value: int) -> tuple[str, str, str, list[str]]:
    return name, kind, text, [f"{name} {value}"]
