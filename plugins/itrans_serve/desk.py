"""What stands behind the routes: checkpoints, readers of pictures, the worker, and how much of each there is."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.exceptions import HTTPException

from itrans_serve.bodies import GoneError, pictures_of
from itrans_serve.conditions import picture_extras, refuse_missing, values_of
from itrans_serve.examples import Examples
from itrans_serve.metrics import Metrics
from itrans_serve.pictures import Reader, archive, npy, png, shown
from itrans_serve.queries import MOST_OUTPUTS
from itrans_serve.served import chosen
from itrans_serve.worker import FullError, Order, Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from starlette.requests import Request

    from itrans.api import ImageArray, ImageSpec
    from itrans_serve.queries import SourceQuery, TranslationQuery
    from itrans_serve.served import Served

_Result = TypeVar("_Result")

_HANDS = 2
"""Threads that read and write pictures while the worker computes."""

TYPES = {"png": "image/png", "npy": "application/octet-stream", "zip": "application/zip"}


class Desk:
    """Answers requests for pictures; a context, at the end of which nothing is left of it.

    Args:
        served: the checkpoints by name, the default first.
        seed: where a request names none.
        most_waiting: how many pictures may wait to be translated, and how many requests may be in hand.
        batch_size: how many pictures are translated at once, at most.
        most_bytes: how many a body may have.
        most_pixels: how many a picture may have.
        seconds: that a body may take; see `pictures_of`.

    Attributes:
        served: the checkpoints.
        metrics: what is counted.
        examples: those of the checkpoints.
    """

    def __init__(
        self,
        served: Mapping[str, Served],
        *,
        seed: int = 0,
        most_waiting: int = 64,
        batch_size: int = 8,
        most_bytes: int = 32 * 10**6,
        most_pixels: int = 16 * 10**6,
        seconds: float = 20.0,
    ) -> None:
        self.served, self.metrics, self.examples = served, Metrics(), Examples()
        self._seed, self._most_waiting, self._in_hand = seed, most_waiting, 0
        self._most_bytes, self._seconds = most_bytes, seconds
        self._folder = tempfile.TemporaryDirectory(prefix="itrans-serve-")
        self._reader = Reader(Path(self._folder.name), most_pixels)
        self._hands = ThreadPoolExecutor(_HANDS, "itrans-serve-pictures")
        self._worker = Worker(most=most_waiting, batch_size=batch_size, metrics=self.metrics)

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._hands.shutdown(cancel_futures=True)
        self._folder.cleanup()

    def work(self) -> None:
        """Translate what requests bring in this thread, which owns the networks, until `close` is called."""
        self._worker.run()

    def close(self) -> None:
        """Let `work` end when its batch is done; a signal's handler may call this."""
        self._worker.close()

    async def by_hand(self, work: Callable[..., _Result], *arguments: Any, **options: Any) -> _Result:
        """Return what a function returns that reads or writes pictures."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._hands, lambda: work(*arguments, **options))

    async def translate(self, request: Request, query: TranslationQuery) -> tuple[bytes, str, str | None]:
        """Return the translations of a request's pictures, their media type, and a note on what was converted.

        Raises:
            HTTPException: the request cannot be served; the status says why.
            ItransError: a picture cannot be translated.
            GoneError: the client has gone; what was not begun is not computed.
        """
        served, direction = self._subject(query)
        with self._place():
            options, numbers = values_of(served.translator, query.option, query.extra)
            sources, companions = await self._sources(request, served, direction, query)
            if len(sources) * query.samples > MOST_OUTPUTS:
                raise HTTPException(422, f"samples: {MOST_OUTPUTS} outputs at most are made for one request.")
            first = self._seed if query.seed is None else query.seed
            refuse_missing(served.translator, {**numbers, **companions})
            extras = [
                {**numbers, **{name: images[place if len(images) > 1 else 0] for name, images in companions.items()}}
                for place in range(len(sources))
            ]
            orders = [
                Order(served.translator, direction, image, first + number, options, given)
                for (image, _), given in zip(sources, extras, strict=True)
                for number in range(query.samples)
            ]
            outputs = await self._outputs(request, orders)
        spec = served.translator.specs(direction)[1]
        pairs = [(order.image, output) for order, output in zip(orders, outputs, strict=True)]
        notes = dict.fromkeys(note for _, note in sources if note is not None)
        content, kind = await self.by_hand(_encoded, pairs, spec, query.view, query.format)
        return content, kind, "; ".join(notes) or None

    async def preview(self, request: Request, query: SourceQuery) -> tuple[bytes, str | None]:
        """Return a PNG that shows a request's picture as it would be translated; raises what `translate` raises."""
        served, direction = self._subject(query)
        spec = served.translator.specs(direction)[0]
        with self._place():
            [(image, note), *_], _ = await self._sources(request, served, direction, query)
            return await self.by_hand(lambda: png(shown(image, spec, image))), note

    async def example(self, served: Served, direction: str, number: int, view: str, format_: str) -> tuple[bytes, str]:
        """Return an example, and its media type.

        Raises:
            HTTPException: there is none of that number.
        """
        images = await self.by_hand(self.examples.of, served, direction)
        if number >= len(images):
            raise HTTPException(404, f"number is {number}, and there are {len(images)} examples.")
        image, spec = images[number], served.translator.specs(direction)[0]
        return await self.by_hand(_encoded, [(image, image)], spec, view, format_)

    def _subject(self, query: SourceQuery) -> tuple[Served, str]:
        served = chosen(self.served, query.checkpoint)
        return served, served.check_direction(query.direction)

    @contextlib.contextmanager
    def _place(self) -> Iterator[None]:
        """Keep the number of requests in hand within bounds, and with it the memory of what they bring."""
        if self._in_hand >= self._most_waiting:
            raise _full()
        self._in_hand += 1
        try:
            yield
        finally:
            self._in_hand -= 1

    async def _sources(
        self, request: Request, served: Served, direction: str, query: SourceQuery
    ) -> tuple[list[tuple[ImageArray, str | None]], dict[str, list[ImageArray]]]:
        """Return a request's pictures, each with a note on what was converted, and its extras that are pictures."""
        translator = served.translator
        specs = picture_extras(translator)
        bodies = await pictures_of(
            request, most_bytes=self._most_bytes, most=MOST_OUTPUTS, seconds=self._seconds, extras=specs
        )
        sources = [
            await self.by_hand(self._reader.source, body, translator, direction, prepare=query.prepare)
            for body in bodies.pictures
        ]
        companions: dict[str, list[ImageArray]] = {}
        for name, files in bodies.companions.items():
            if len(files) not in {1, len(sources)}:
                raise HTTPException(
                    422,
                    f"There are {len(files)} files of {name} for {len(sources)} pictures: send one, or one of each.",
                )
            companions[name] = [
                await self.by_hand(self._reader.extra, file, name, translator, specs[name]) for file in files
            ]
        return sources, companions

    async def _outputs(self, request: Request, orders: Sequence[Order]) -> list[ImageArray]:
        try:
            self._worker.submit(orders)
        except FullError:
            raise _full() from None
        outputs = asyncio.gather(*(asyncio.wrap_future(order.output) for order in orders))
        # Of a client that has gone, nobody asks any more: asyncio would complain of what nobody has looked at.
        outputs.add_done_callback(lambda made: made.cancelled() or made.exception())
        gone = asyncio.ensure_future(_has_gone(request))
        either: tuple[asyncio.Future[Any], ...] = (outputs, gone)
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not outputs.done():
                raise GoneError
            if any(order.output.cancelled() for order in orders):
                raise HTTPException(503, "The server is stopping.")
            return outputs.result()
        finally:
            gone.cancel()
            for order in orders:
                order.output.cancel()


async def _has_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _full() -> HTTPException:
    return HTTPException(503, "The server is busy. Try again in a moment.", {"Retry-After": "1"})


def _encoded(
    pairs: Sequence[tuple[ImageArray, ImageArray]], spec: ImageSpec, view: str, format_: str
) -> tuple[bytes, str]:
    """Return pictures, each with the source that it was made from, as a file or as an archive of files."""
    encode = png if format_ == "png" else npy
    files = [encode(image if view == "stored" else shown(image, spec, source)) for source, image in pairs]
    return (files[0], TYPES[format_]) if len(files) == 1 else (archive(files, f".{format_}"), TYPES["zip"])
