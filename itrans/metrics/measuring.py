"""The loop that measures held-out pairs, for validation and for evaluation: it sees what networks give, not rounded."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from itrans.errors import DataError, ItransError, PluginError, error_text
from itrans.pictures.kinds import KINDS, kind_of
from itrans.plugins import OURS
from itrans.registry import METRICS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from itrans.pictures.spec import ImageKind, ImageSpec
    from itrans.protocols import Metric
    from itrans.records import Batch

SOURCE_L1 = "source_l1"
"""The L1 distance of the source itself from the target, where both are of one kind: the value to beat.

A source of another size is scaled to the target's with bicubic interpolation.
"""


class Meter:
    """A metric, and the sum of what it has measured; memory does not grow with the number of pictures.

    Attributes:
        name: what the value is called.
        total: the sum over pictures; None if there were none.
        count: how many pictures it is of.
    """

    def __init__(self, name: str, metric: Metric) -> None:
        self.name, self.metric = name, metric
        if not isinstance(getattr(metric, "lower_is_better", None), bool):
            raise PluginError(
                f'The metric "{name}" does not say which way is better: its class should say lower_is_better = True or '
                "False."
            )
        self.lower_is_better = metric.lower_is_better
        self.kinds, self.smallest = kinds_of(metric), getattr(metric, "smallest", 1)
        if not (isinstance(self.kinds, tuple) and self.kinds and all(isinstance(kind, str) for kind in self.kinds)):
            raise PluginError(f'The metric "{name}" has the kinds {self.kinds!r}, which should be a tuple of names.')
        if type(self.smallest) is not int or self.smallest < 1:
            raise PluginError(f'The metric "{name}" has the smallest size {self.smallest!r}, not a number of pixels.')
        if not callable(getattr(metric, "measure", None)):
            raise PluginError(f'The metric "{name}" has no measure(outputs, targets).')
        self.reset()

    def reset(self) -> None:
        """Forget what was measured."""
        self.total: Tensor | None = None
        self.count = 0

    def add(self, outputs: Tensor, targets: Tensor) -> Tensor | None:
        """Count some pictures, and return what was measured of each, `(N, ...)`; None if they are too small."""
        if min(targets.shape[-2:]) < self.smallest:
            return None
        versions = outputs._version, targets._version
        # what a metric draws is the same with whatever metrics it is measured, and changes no other's
        with self._telling(), torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(self.count)
            found = self.metric.measure(outputs, targets)
            if not isinstance(found, Tensor) or found.shape[:1] != targets.shape[:1]:
                raise TypeError("measure() should return a tensor with a value for each picture")
            if found.is_complex():
                raise TypeError("measure() should return real numbers, but returns complex ones")
            if versions != (outputs._version, targets._version):
                raise TypeError("measure() should leave outputs and targets as they are, but changes them")
            found = found.float() if found.dtype in {torch.float16, torch.bfloat16} else found
            total = found.sum(0)
            if total.ndim and self.is_mean:
                raise TypeError(f"measure() should return (N,) without value(), but returns {tuple(found.shape)}")
            self.total = total if self.total is None else self.total + total
        self.count += len(found)
        return found

    def value(self, total: Tensor, count: int = 1) -> float | None:
        """Return the metric's value of a sum over so many pictures; None if there is none."""
        with self._telling():
            found = float(total) / count if self.is_mean else self.metric.value(total)  # type: ignore[attr-defined]
            return None if found is None else float(found)

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        """Name the metric in whatever it raises."""
        try:
            yield
        except (ItransError, MemoryError, torch.OutOfMemoryError):
            raise
        except (Exception, SystemExit) as error:
            raise PluginError(f'The metric "{self.name}" has failed: {error_text(error)}') from error

    @property
    def is_mean(self) -> bool:
        """Whether the value is the mean of the pictures' own values."""
        return not hasattr(self.metric, "value")

    def values(self, found: Tensor) -> list[float | None]:
        """Return the metric's value of each picture, of what `add` has returned."""
        return [*found.tolist()] if self.is_mean else [self.value(one) for one in found]

    def result(self, reduce: Callable[[Tensor | None], Tensor | None] = lambda own: own) -> float | None:
        """Return the value over all pictures, None if there is none; `reduce` sums over processes, some without any."""
        total, count = reduce(self.total), reduce(torch.tensor(self.count))
        return None if total is None or not count else self.value(total, int(count))


def kinds_of(metric: Metric | str) -> tuple[ImageKind, ...]:
    """Return the kinds of targets that a metric, or the metric of a name, is for: all smooth ones, if it says none."""
    named = METRICS.get(_unambiguous(metric)) if isinstance(metric, str) else metric
    found: tuple[ImageKind, ...] | None = getattr(named, "kinds", None)
    return tuple(name for name, kind in KINDS.items() if kind.is_smooth) if found is None else found


def _unambiguous(name: str) -> str:
    """Return a name that means ours, where another package brings a metric of the same name."""
    homes = [origin.distribution for origin in METRICS.origins() if origin.name == name]
    return f"{OURS}:{name}" if len(homes) > 1 and OURS in homes else name


def meters_for(
    names: Iterable[str],
    source: ImageSpec,
    target: ImageSpec,
    device: torch.device,
    announce: Callable[[str], None] = lambda _: None,
) -> list[Meter]:
    """Return a meter for each metric; where L1 is among them and both sides are alike, one for the source too.

    Raises:
        PluginError: there is no such metric, or it cannot be built.
        DataError: a metric cannot be had, or refuses such pictures.
    """
    offered = {"source": source, "target": target, "device": device, "announce": announce}
    meters: dict[str, Meter] = {}
    for name in dict.fromkeys(names):
        if name == SOURCE_L1:
            raise DataError(f'"{SOURCE_L1}" is measured along with "l1"; no other metric can have that name.')
        try:
            with torch.random.fork_rng(devices=[]):  # what a metric draws is not to change the training
                meter = Meter(name, METRICS.build({"name": _unambiguous(name)}, **offered))
        except ItransError:
            raise
        except ValueError as error:
            raise DataError(f'The metric "{name}" cannot be measured here: {error}') from error
        except (Exception, SystemExit) as error:
            raise PluginError(f'The metric "{name}" cannot be built: {error_text(error)}') from error
        if target.kind not in meter.kinds:
            kinds = " and ".join(meter.kinds)
            raise DataError(
                f'The metric "{name}" cannot be measured here: it is for targets of the kind {kinds}, and these are of '
                f"the kind {target.kind}."
            )
        meters[name] = meter
    if "l1" in meters and source.kind == target.kind and source.planes == target.planes:
        meters[SOURCE_L1] = Meter(SOURCE_L1, meters["l1"].metric)
    return [*meters.values()]


class Measurement(NamedTuple):
    """What was measured of a batch.

    Attributes:
        batch: the sources and their targets.
        outputs: the translations, as the networks give them.
        values: what each meter has measured of each picture, `(N, ...)`; None if they are too small for it.
    """

    batch: Batch
    outputs: Tensor
    values: Mapping[str, Tensor | None]


def measurements(
    batches: Iterable[Batch],
    translate: Callable[[Tensor], Tensor],
    meters: Sequence[Meter],
    target: ImageSpec,
    who: str = "The method",
) -> Iterator[Measurement]:
    """Translate the sources of batch after batch, let the meters count, and yield what they have measured.

    What is raised is raised as by `measurements_of`, which translates with all that batches have.
    """
    return measurements_of(batches, lambda batch: translate(batch.source), meters, target, who)


def measurements_of(
    batches: Iterable[Batch],
    translate: Callable[[Batch], Tensor],
    meters: Sequence[Meter],
    target: ImageSpec,
    who: str = "The method",
) -> Iterator[Measurement]:
    """Translate batch after batch, let the meters count, and yield what they have measured.

    There are no meters if nothing is to be measured, as of pictures that are no pairs.

    Raises:
        PluginError: outputs are no pictures like their targets, or a metric has failed.
    """
    for batch in batches:
        outputs = translate(batch)
        if meters and outputs.shape != batch.target.shape:
            shapes = f"{_shape(outputs)}, and its target is {_shape(batch.target)} (height, width, channels)"
            raise PluginError(f"{who} cannot be measured: it makes {batch.keys[0]} {shapes}.")
        yield Measurement(batch, outputs, count(meters, batch.source, outputs, batch.target, target))


@torch.no_grad()
def count(
    meters: Sequence[Meter], source: Tensor, outputs: Tensor, target: Tensor, spec: ImageSpec
) -> dict[str, Tensor | None]:
    """Let meters count the pictures of a batch, and return what each has measured, by its name.

    Outputs are clipped to [-1, 1].
    """
    with torch.autocast(target.device.type, enabled=False):  # windows of SSIM cancel to nothing in bf16
        sides = [side.float() for side in (source, outputs, target)]
        if any(meter.name == SOURCE_L1 for meter in meters):
            sides[0] = _in_size(sides[0], sides[2])
        if kind_of(spec).is_smooth:
            sides = [side.clamp(-1, 1) for side in sides]
        return {meter.name: meter.add(sides[0 if meter.name == SOURCE_L1 else 1], sides[2]) for meter in meters}


def _in_size(source: Tensor, target: Tensor) -> Tensor:
    """Return a source in its target's size, which nearly all have."""
    size = target.shape[-2:]
    if source.shape[-2:] == size:
        return source
    return functional.interpolate(source, size, mode="bicubic", antialias=True)


def _shape(planes: Tensor) -> tuple[int, ...]:
    _, channels, height, width = planes.shape
    return height, width, channels
