"""Whoever owns the networks: takes pictures from a queue, and translates at once those that are alike."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from itrans.api import DataError, ItransError, RoomError, error_text, scale_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from itrans.api import ImageArray
    from itrans.commands import Translator
    from itrans_serve.metrics import Metrics

_SMALL = 1 << 22
"""Pixels of a batch that are translated without asking whether there is memory for them, as in `itrans translate`."""

_PAUSE = 0.15
"""Of the time that a batch took, what the next one may wait for to become as large."""


class FullError(Exception):
    """As many pictures wait as may."""


@dataclass(eq=False)
class Order:
    """A picture that is to be translated.

    Attributes:
        translator: by whom.
        direction: which way.
        image: the source, `(H, W, C)`; it has been checked.
        seed: of dropout and noise.
        options: of the method, by name.
        extras: what else it takes of this picture, by name.
        output: the translation, when it is there. Cancel it, and the order is dropped if it still waits.
    """

    translator: Translator
    direction: str
    image: ImageArray
    seed: int
    options: Mapping[str, Any] = field(default_factory=dict)
    extras: Mapping[str, Any] = field(default_factory=dict)
    output: Future[ImageArray] = field(default_factory=Future)

    @property
    def key(self) -> object:
        """What orders of one batch have in common."""
        extras = {name: (getattr(value, "shape", ()), type(value)) for name, value in self.extras.items()}
        return self.translator, self.direction, self.image.shape, self.image.dtype, self.options, extras


class Worker:
    """Translates orders in the thread that calls `run`, the oldest first and those like it at the same time.

    A batch is what has come while the one before it was computed. A single client's order never waits for others.
    Where there are several, those of the batch before are given a little time to come again, or one of them would be
    computed alone, and then all others.

    Args:
        most: how many pictures may wait.
        batch_size: how many are translated at once, at most.
        metrics: is told of batches.
    """

    def __init__(self, *, most: int, batch_size: int, metrics: Metrics) -> None:
        self.most = most
        self._batch_size, self._metrics = batch_size, metrics
        self._waiting: list[Order] = []
        self._changed, self._closed = threading.Condition(), False
        self._last_size, self._pause = 1, 0.0
        metrics.waiting = self.__len__

    def __len__(self) -> int:
        return len(self._waiting)

    def submit(self, orders: Sequence[Order]) -> None:
        """Add orders to the queue, all or none.

        Raises:
            FullError: there is no room for them.
        """
        with self._changed:
            if self._closed or len(self._waiting) + len(orders) > self.most:
                raise FullError
            self._waiting += orders
            self._changed.notify()

    def close(self) -> None:
        """Drop what waits, and let `run` end when its batch is done; a signal's handler may call this."""
        with self._changed:
            self._closed = True
            for order in self._waiting:
                order.output.cancel()
            self._waiting.clear()
            self._changed.notify()

    def run(self) -> None:
        """Translate what is submitted, until `close` is called.

        On a CPU, networks compute a fifth slower in any other thread than the main one: each has memory of its own,
        which it gives back to the system and asks for again.
        """
        while batch := self._next_batch():
            wanted = [order for order in batch if order.output.set_running_or_notify_cancel()]
            for _ in range(len(batch) - len(wanted)):
                self._metrics.count_dropped()
            if wanted:
                began = time.perf_counter()
                self._translate(wanted)
                self._last_size, self._pause = len(wanted), _PAUSE * (time.perf_counter() - began)

    def _next_batch(self) -> list[Order]:
        """Wait for orders, and take a batch of them out of the queue; an empty one means the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if self._last_size > 1:
                self._changed.wait_for(lambda: len(self._waiting) >= self._last_size or self._closed, self._pause)
            if not self._waiting:
                return []
            key = self._waiting[0].key
            batch = [order for order in self._waiting if order.key == key][: self._batch_size]
            self._waiting = [order for order in self._waiting if order not in batch]
            return batch

    def _translate(self, batch: list[Order]) -> None:
        """Make the outputs of a batch; where that fails, of each order by itself, so that none spoils the others."""
        first = batch[0]
        try:
            self._refuse_if_too_large(first, len(batch))
            extras = {name: [order.extras[name] for order in batch] for name in first.extras}
            outputs = first.translator.translate_batch(
                [order.image for order in batch],
                seed=[order.seed for order in batch],
                direction=first.direction,
                **extras,
                **first.options,
            )
        except BaseException as error:  # a plugin's network may raise anything, and the thread has to go on
            if len(batch) > 1:
                for order in batch:
                    self._translate([order])
            else:
                first.output.set_exception(_as_itrans_error(error))
            return
        self._metrics.count_batch(len(batch))
        for order, output in zip(batch, outputs, strict=True):
            order.output.set_result(output)

    def _refuse_if_too_large(self, order: Order, count: int) -> None:
        height, width = order.image.shape[:2]
        larger = max(1.0, float(scale_of(order.translator.method))) ** 2
        if height * width * larger * count <= _SMALL:
            return
        need, free = order.translator.room(order.image, order.direction)
        if free is not None and need * count > free:
            raise RoomError(
                f"The picture is {width} x {height} pixels, for which there is not enough memory here: translating it "
                f"takes about {need / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free. Scale it down."
            )


def _as_itrans_error(error: BaseException) -> ItransError:
    if isinstance(error, ItransError):
        return error
    if isinstance(error, MemoryError):
        return RoomError("There is not enough memory to translate the picture. Scale it down.")
    return DataError(f"The generator failed: {error_text(error)}")
