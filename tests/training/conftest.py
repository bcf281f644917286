"""Training in this process, without the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from itrans.recipe.load import load_recipe
from itrans.training.journal import Reporter
from itrans.training.processes import Processes
from itrans.training.record import RunFolder
from itrans.training.stopping import StopRequest
from itrans.training.trainer import Trainer


@pytest.fixture
def train(recipe, tmp_path):
    """Train `recipe` with some overrides in a folder; stop after some steps if asked to."""

    def train(folder: str, *overrides: str, stop_after: int | None = None, **options: bool) -> Path:
        trainer = Trainer(
            load_recipe(recipe, overrides=overrides),
            RunFolder(tmp_path / folder),
            device=torch.device("cpu"),
            processes=Processes(),
            reporter=Reporter(),
            stop=StopRequest(steps=stop_after),
            **options,
        )
        trainer.train()
        return tmp_path / folder

    return train
