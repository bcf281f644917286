"""Weights & Biases and MLflow, where these are installed."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any, Literal

from itrans.api import PluginError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from itrans.api import ImageArray


class WeightsAndBiases:
    """Sends a run to Weights & Biases (`pip install wandb`, `wandb login`).

    A resumed run continues the same W&B run, whose id is in its folder, in `wandb-run.txt`.

    Args:
        project: there.
        run_name: the run's name; by default that of its folder.
        mode: `online`, or `offline` to upload later with `wandb sync`.
        step: the step at which the run begins.

    Raises:
        PluginError: the package `wandb` is not installed.
    """

    def __init__(
        self,
        *,
        project: str = "itrans",
        run_name: str | None = None,
        mode: Literal["online", "offline"] = "online",
        step: int = 0,
    ) -> None:
        self._wandb = _library("wandb", "Weights & Biases")
        self._project, self._name, self._mode, self._step = project, run_name, mode, step

    def start(self, recipe: Mapping[str, Any], folder: Path) -> None:
        """Begin a run there, or go on with it."""
        note = folder / "wandb-run.txt"
        number = note.read_text(encoding="utf-8").strip() if self._step and note.exists() else None
        self._run = self._wandb.init(
            project=self._project,
            name=self._name or folder.name,
            mode=self._mode,
            config=dict(recipe),
            dir=str(folder),
            id=number,
            resume="allow",
        )
        note.write_text(f"{self._run.id}\n", encoding="utf-8")

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Send numbers."""
        self._run.log(dict(values), step=step)

    def pictures(self, step: int, name: str, image: ImageArray) -> None:
        """Send a picture."""
        self._run.log({name: self._wandb.Image(image)}, step=step)

    def finish(self, outcome: str) -> None:
        """End the run there."""
        self._run.summary["outcome"] = outcome
        self._run.finish(exit_code=int(outcome == "failed"))


class MLflow:
    """Sends a run to MLflow (`pip install mlflow`).

    Args:
        uri: the server or database, such as `sqlite:///mlflow.db`; by default `$MLFLOW_TRACKING_URI`.
        experiment: there.
        run_name: the run's name; by default that of its folder.
        step: the step at which the run begins.

    Raises:
        PluginError: the package `mlflow` is not installed.
    """

    def __init__(
        self, *, uri: str | None = None, experiment: str = "itrans", run_name: str | None = None, step: int = 0
    ) -> None:
        self._mlflow = _library("mlflow", "MLflow")
        self._uri, self._experiment, self._name, self._step = uri, experiment, run_name, step

    def start(self, recipe: Mapping[str, Any], folder: Path) -> None:
        """Begin a run there, or continue the one whose id is in the folder, in `mlflow-run.txt`."""
        if self._uri is not None:
            self._mlflow.set_tracking_uri(self._uri)
        note = folder / "mlflow-run.txt"
        number = note.read_text(encoding="utf-8").strip() if self._step and note.exists() else None
        self._mlflow.set_experiment(self._experiment)
        run = self._mlflow.start_run(run_id=number, run_name=None if number else self._name or folder.name)
        note.write_text(f"{run.info.run_id}\n", encoding="utf-8")
        self._mlflow.log_dict(dict(recipe), "recipe.json")

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Send numbers."""
        self._mlflow.log_metrics(dict(values), step=step)

    def pictures(self, step: int, name: str, image: ImageArray) -> None:
        """Send a picture."""
        self._mlflow.log_image(image, f"{name}/step-{step:07d}.png")

    def finish(self, outcome: str) -> None:
        """End the run there."""
        self._mlflow.set_tag("outcome", outcome)
        status = {"failed": "FAILED", "interrupted": "KILLED"}.get(outcome, "FINISHED")
        self._mlflow.end_run(status)


def _library(name: str, title: str) -> Any:
    os.environ.setdefault("WANDB_SILENT", "true")  # its lines would go between those of the progress bar
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise PluginError(f"{title} is not installed: pip install {name}") from error
