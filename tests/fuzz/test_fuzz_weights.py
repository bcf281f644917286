"""A few of the altered weights of `weights.py`, and those that once filled the memory or ended in a traceback."""

from __future__ import annotations

import pytest
import torch
from fuzz.weights import cases, failure, import_generator, saved
from guests.imports.published import PublishedUNet, trained

from itrans.api import ItransError
from itrans.checkpoint.file import load_checkpoint

FIRST = "model.model.0.weight"


@pytest.fixture(scope="module")
def state():
    return trained(PublishedUNet(6, 2)).state_dict()


def test_each_is_imported_or_refused_by_its_name(tmp_path):
    faults = [fault for case in cases(120, 2) if (fault := failure(case, tmp_path / "altered.pth"))]
    assert faults == []


@pytest.mark.parametrize("is_zip", [True, False])
@pytest.mark.parametrize(
    ("value", "said"),
    [
        (lambda: torch.empty(2, 3, 4, 4, device="meta"), "is a tensor without values"),
        (lambda: torch.eye(3).to_sparse(), "is a sparse tensor"),
        (lambda: torch.quantize_per_tensor(torch.zeros(2, 3, 4, 4), 0.1, 0, torch.qint8), "is a quantised tensor"),
        (lambda: torch.zeros(2, 3, 4, 4, dtype=torch.complex64), "is a tensor of complex numbers"),
        (lambda: torch.zeros(1).expand(10**9), "has 1,000,000,000 values"),
        (lambda: torch.zeros(2, 3, 4, 4, dtype=torch.int64), "of the type int64 in place of float32"),
        (lambda: torch.full((2, 3, 4, 4), float("-inf")), "not finite"),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_a_tensor_that_is_no_weight_is_named_with_the_file(state, tmp_path, value, said, is_zip):
    path = tmp_path / "altered.pth"
    path.write_bytes(saved(state | {FIRST: value()}, is_zip=is_zip))
    with pytest.raises(ItransError) as error:
        import_generator(path)
    assert str(path) in str(error.value)
    assert FIRST in str(error.value)
    assert said in str(error.value)


def test_names_that_stand_for_endless_networks_build_none(state, tmp_path):
    path = tmp_path / "altered.pth"
    path.write_bytes(saved(state | {"model.model." + "1.model.3.model." * 5000 + "1.weight": torch.zeros(1)}))
    with pytest.raises(ItransError, match=r"altered\.pth holds a name of 80,020 characters"):
        import_generator(path)


def test_weights_of_half_precision_are_weights(state, tmp_path):
    path = tmp_path / "altered.pth"
    path.write_bytes(saved({name: value.half() for name, value in state.items()}))
    import_generator(path)
    found = load_checkpoint(tmp_path / "imported.pt").networks["generator"]
    assert torch.equal(found["downs.0.conv.weight"], state[FIRST].half().float())
