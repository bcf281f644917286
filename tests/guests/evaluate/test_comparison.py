"""Several checkpoints side by side."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from itrans_evaluate import comparison
from itrans_evaluate.comparison import comparison_picture


@pytest.fixture
def drawn(itrans, recipe, tmp_path, monkeypatch):
    """Return what draws checkpoints that stand for data of their own (None) or for a sample, and gives the caption."""
    done = itrans("run", recipe, "-o", "run", "--set", "train.steps=1")
    assert done.exit_code == 0, done.output
    record = torch.load("run/checkpoints/last.pt", weights_only=True)
    captions = []
    monkeypatch.setattr(comparison, "table", lambda *given: captions.append(given[-1]) or np.zeros((1, 1, 3), np.uint8))

    def draw(**samples):
        paths = {name: tmp_path / f"{name}.pt" for name in samples}
        for name, sample in samples.items():
            torch.save({**record, "sample": sample}, paths[name])
        comparison_picture(paths, split="val", pictures=2)
        return captions[-1]

    return draw


def test_the_caption_says_which_checkpoints_were_trained_on_sample_data(drawn):
    said = "trained on sample data."
    assert drawn(l1=None, gan=None) == ""
    assert drawn(l1="OF EMOJI.") == f"This checkpoint was {said} OF EMOJI."
    assert drawn(l1="OF EMOJI.", gan="OF EMOJI.") == f"Each of these checkpoints was {said} OF EMOJI."
    assert drawn(l1=None, gan="OF EMOJI.", cgan="OF EMOJI.") == f"Each of gan, cgan was {said} OF EMOJI."
    assert drawn(l1="OF FACADES.", gan="OF EMOJI.") == f"l1 was {said} OF FACADES. gan was {said} OF EMOJI."
