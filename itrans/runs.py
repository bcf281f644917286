"""Training from Python, and what a run trains on."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from itrans.cli import run
from itrans.cli.progress import Reporters, reporter_here
from itrans.data.sampler import Draw
from itrans.errors import DataError, ItransError, OutputError
from itrans.recipe.load import load_recipe
from itrans.records import Pair
from itrans.training.build import build_items
from itrans.training.failures import at_work
from itrans.training.journal import Reporter
from itrans.training.processes import processes_here
from itrans.training.record import RunFolder
from itrans.training.stopping import StopRequest
from itrans.translating.loading import load

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from itrans.protocols import Dataset
    from itrans.recipe.load import Recipe
    from itrans.translating.translator import Translator


@dataclass(frozen=True)
class Run:
    """A run that has ended.

    Attributes:
        folder: the run's folder.
        outcome: `finished`; `early`, because nothing got better any more; or `interrupted`, with everything saved.
    """

    folder: Path
    outcome: Literal["finished", "early", "interrupted"]

    @property
    def checkpoint(self) -> Path:
        """The checkpoint to use: the best or, where nothing was measured, the last."""
        return RunFolder(self.folder).result

    @functools.cached_property
    def log(self) -> list[dict[str, Any]]:
        """The lines of `log.jsonl`, the oldest first: each has an `event` and a `step`; see docs/checkpoints.md."""
        return RunFolder(self.folder).events()

    @property
    def metrics(self) -> dict[str, float]:
        """What the best validation has measured, by the metrics' names; empty where nothing was measured."""
        best = [entry["metrics"] for entry in self.log if entry["event"] == "validation" and entry["better"]]
        return dict(best[-1]) if best else {}

    @functools.cached_property
    def translator(self) -> Translator:
        """What translates with the run's checkpoint; see `itrans.api.load`."""
        return load(self.checkpoint)


def train(
    recipe: str | os.PathLike[str] | Mapping[str, Any],
    *,
    set: Mapping[str, Any] | None = None,  # noqa: A002 - it is what --set is
    output: str | os.PathLike[str] | None = None,
    on_step: Callable[[int, Mapping[str, float]], object] | None = None,
    weights: str | os.PathLike[str] | None = None,
    resume: bool = False,
    sample: bool | None = None,
    without: Sequence[str] = (),
    skip_bad: bool = False,
    device: str = "auto",
    progress: bool = True,
) -> Run:
    """Train what a recipe describes, and return the run; `itrans run` from Python.

    A notebook shows the progress bar, where `ipywidgets` is installed, and the grids of samples. Ctrl-C, or the
    notebook's stop button, saves and ends the run.

    Args:
        recipe: a TOML file; or its tables as a dict, in which paths are taken from the current folder.
        set: values that are laid over it, by their dotted keys: `{"train.epochs": 2}`.
        output: the run's folder; left out, `runs/` and the file's name, and `-sample` if sample data stand in.
        on_step: called after each step with the step and the latest losses by name; on a GPU after every tenth, because
            each look makes it wait. If it returns False, the run is saved and ends.
        weights: a checkpoint, or a run's folder, with whose weights the networks begin, as far as they fit.
        resume: go on from the folder's last checkpoint.
        sample: whether to train on the recipe's `[sample]`; None does so where its own data are not there.
        without: tables of the recipe to leave out.
        skip_bad: leave out pairs that cannot be read.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`.
        progress: show how the run goes, on standard output.

    Raises:
        RecipeError: with every fault of the recipe.
        OutputError: the folder holds a run already, or cannot be written to.
        ItransError: anything else that `itrans run` would tell in one message.
    """
    _check_types(recipe, set, output, on_step, weights)
    if resume and weights is not None:
        raise ItransError("resume continues a run, weights begins a new one: give only one of them.")
    without = [without] if isinstance(without, str) else without
    loaded = load_recipe(recipe, values=set, sample=sample, without=without)
    loaded.refuse_missing_data()
    note = loaded.sample_note()
    if output is None:
        if not isinstance(recipe, str | Path):
            raise OutputError('A recipe that is not a file has no name: name the run\'s folder, output="runs/mine".')
        output = Path("runs") / (Path(recipe).stem + ("-sample" if loaded.is_sample else ""))
    is_shown = progress and processes_here().is_first
    shown = reporter_here(loaded.tables.log.every) if is_shown else Reporter()
    if note is not None:
        shown.note(note)
    stop = StopRequest(answer=shown.stop)
    outcome: Any = run.train(
        loaded,
        Path(output),
        note,
        weights=weights,
        resume=resume,
        skip_bad=skip_bad,
        stop_after=(None, None),
        device=device,
        reporter=shown if on_step is None else Reporters(shown, _Listener(on_step, stop)),
        stop=stop,
    )
    return Run(Path(output), outcome)


def _check_types(recipe: object, values: object, output: object, on_step: object, weights: object) -> None:
    """Raise `ItransError` for what no type checker has seen, as in a notebook."""
    places = (str, os.PathLike)
    wrong = [
        f"{name} is {type(value).__name__}, but should be {what}"
        for name, value, what, fits in (
            ("recipe", recipe, "a file or a dict of tables", isinstance(recipe, (*places, Mapping))),
            ("set", values, "a dict of dotted keys", values is None or isinstance(values, Mapping)),
            ("output", output, "a folder", output is None or (isinstance(output, places) and str(output) != "")),
            ("on_step", on_step, "a function", on_step is None or callable(on_step)),
            ("weights", weights, "a checkpoint's path", weights is None or isinstance(weights, places)),
        )
        if not fits
    ]
    if wrong:
        raise ItransError(f"train(): {'; '.join(wrong)}.")


class _Listener(Reporter):
    """Calls a function after each step, and ends the run when that returns False."""

    def __init__(self, on_step: Callable[[int, Mapping[str, float]], object], stop: StopRequest) -> None:
        self._on_step, self._stop = on_step, stop

    def step(self, step: int, epoch: int, losses: Mapping[str, float], images_per_second: float) -> None:
        with at_work("on_step"):
            if self._on_step(step, dict(losses)) is False:
                self._stop.reason = self._stop.reason or "on_step"


def training_pair(recipe: Recipe, dataset: Dataset, place: int, epoch: int) -> Pair:
    """Return a pair as a run draws it: cropped, mirrored and otherwise changed, as the recipe's seed decides.

    Args:
        recipe: the recipe.
        dataset: its pairs to train with.
        place: which of them.
        epoch: from 0 on.

    Raises:
        DataError: it cannot be read, or not be transformed.
    """
    item = build_items(recipe, dataset, training=True)[Draw(epoch, place)]
    if isinstance(item, Pair):
        return item
    raise item if isinstance(item, ItransError) else DataError(item.faults[0])
