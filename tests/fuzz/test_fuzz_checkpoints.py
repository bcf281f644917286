"""A few of the altered checkpoints of `checkpoints.py`, and those that once were taken for what they are not."""

from __future__ import annotations

import io
from collections import OrderedDict

import numpy as np
import pytest
import torch
from fuzz.checkpoints import Case, cases, failure, runs, trained, zip_faults

from itrans.api import CheckpointError, ItransError, load
from itrans.checkpoint.file import load_checkpoint


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzzed")


@pytest.fixture(scope="module")
def content(folder):
    """The last checkpoint of a run."""
    return trained(folder)


@pytest.fixture
def altered(content, tmp_path):
    """Write a checkpoint with some values, by their dotted keys, changed."""

    def write(**changes):
        record = torch.load(io.BytesIO(content), weights_only=True)
        for dotted, value in changes.items():
            *keys, last = dotted.split("__")
            place = record
            for key in keys:
                place = place[key]
            place[last] = value
        path = tmp_path / "altered.pt"
        torch.save(record, path)
        return path

    return write


def test_each_is_used_or_refused_by_its_name(tmp_path):
    (tmp_path / "run").mkdir()
    faults = [fault for case in cases(60, 1, tmp_path / "run") if (fault := failure(case, tmp_path / "altered.pt"))]
    assert faults == []


def alike(first, second):
    """Whether two records hold the same values."""
    if isinstance(first, torch.Tensor):
        return isinstance(second, torch.Tensor) and torch.equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(alike(first[key], second[key]) for key in first)
    return first == second


@pytest.mark.parametrize("mapped", [True, False])
@pytest.mark.parametrize("what", ["deflated", "stored anew", "backwards", "under another name", "junk after"])
def test_one_that_another_program_has_packed_holds_the_same_weights(content, tmp_path, what, mapped):
    (tmp_path / "x.pt").write_bytes(zip_faults(content)[what])
    found = load_checkpoint(tmp_path / "x.pt", mapped=mapped)
    expected = torch.load(io.BytesIO(content), weights_only=True)
    assert alike(expected["networks"], found.networks)
    assert alike(expected["training"], found.training)


@pytest.mark.parametrize(
    "what",
    ["a short part", "an empty part", "a long part", "a missing part", "two of one name", "encrypted", "lzma"],
)
def test_one_whose_parts_are_not_what_they_should_be_is_refused(content, tmp_path, what):
    (tmp_path / "x.pt").write_bytes(zip_faults(content)[what])
    with pytest.raises(CheckpointError, match=r"x\.pt"):
        load_checkpoint(tmp_path / "x.pt")


def test_one_that_unpacks_to_more_than_weights_do_is_not_unpacked(content, tmp_path):
    found = bytearray(zip_faults(content)["deflated"])
    size = found.rfind(b"PK\x01\x02") + 24  # in the list of parts, how long the last one is
    found[size : size + 4] = (2 * 10**9).to_bytes(4, "little")
    (tmp_path / "x.pt").write_bytes(found)
    with pytest.raises(CheckpointError, match=r"x\.pt is not opened: .* 2\.0 GB"):
        load_checkpoint(tmp_path / "x.pt")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("progress__step", "three", "progress.step is a text, but should be a whole number"),
        ("progress__step", True, "progress.step is true or false"),
        ("progress__samples", -1, "progress.samples is -1"),
        ("progress__best", float("nan"), "progress.best is nan"),
        ("length", 10**30, "length is a number with too many digits"),
        ("processes", 0, "processes is 0"),
        ("sample", 5, "sample is a whole number"),
        ("components", {"kind": "loss"}, "components is a table, but should be a list"),
        ("source__channels", None, "source.channels is nothing"),
        ("networks__generator", [], "networks.generator is a list"),
        ("networks__generator", {"x": 1}, "networks.generator.x is a whole number, but should be a tensor"),
        ("networks__generator", {"x": torch.eye(3).to_sparse()}, "networks.generator.x is a sparse tensor"),
        (
            "networks__generator",
            {"x": torch.empty(3, device="meta")},
            "networks.generator.x is a tensor without values",
        ),
        ("networks__generator", {"x": torch.zeros(1).expand(10**9)}, "networks.generator.x has 1,000,000,000 values"),
        ("training__averages", 3, "training.averages is a whole number"),
        ("recipe__title", "x" * 2_000_000, "recipe.title is a text of 2,000,000 characters"),
        ("recipe__title", "\ud800", "recipe.title is a text"),
        ("recipe__seed", float("inf"), "recipe.seed is inf"),
    ],
)
def test_a_value_of_another_kind_is_named_with_its_key(altered, key, value, said):
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(altered(**{key: value}))
    assert "altered.pt is damaged, or was altered" in str(error.value)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("notes", "x", "notes"),
        ("progress__hours", 3, "progress.hours"),
        ("source__kind", "depth", 'source.kind = "depth"'),
        ("training__scheduler", {}, "training.scheduler"),
        ("recipe__curriculum", {}, "curriculum"),
        ("version", 2, "format 2"),
    ],
)
def test_what_is_not_known_is_of_a_newer_itrans_and_not_damaged(altered, key, value, named):
    with pytest.raises(CheckpointError) as error:
        load(altered(**{key: value}))
    assert named in str(error.value)
    assert "pip install --upgrade itrans" in str(error.value)
    assert "damaged" not in str(error.value)


def test_a_field_that_is_missing_takes_its_default(content, tmp_path):
    record = torch.load(io.BytesIO(content), weights_only=True)
    for name in ("sample", "components", "method", "progress", "training", "length", "processes", "itrans"):
        del record[name]
    del record["source"]["kind"]
    torch.save(record, tmp_path / "x.pt")
    found = load_checkpoint(tmp_path / "x.pt")
    assert (found.sample, found.components, found.progress.step, found.processes) == (None, [], 0, 1)
    assert load(tmp_path / "x.pt").translate(np.zeros((16, 16, 3), np.uint8)).shape == (16, 16, 3)


def test_a_call_for_memory_is_not_answered(tmp_path):
    class Hungry:
        def __reduce__(self):
            return bytearray, (10**9,)

    torch.save({"format": "itrans-checkpoint", "title": Hungry()}, tmp_path / "x.pt")
    with pytest.raises(CheckpointError, match=r"x\.pt is not opened: it holds a bytearray"):
        load_checkpoint(tmp_path / "x.pt")


@pytest.mark.parametrize("key", ["recipe__generator__filters", "source__channels"])
def test_networks_that_no_memory_holds_are_not_built(altered, key):
    with pytest.raises(CheckpointError, match=r"altered\.pt cannot be used: the networks .* far larger"):
        load(altered(**{key: 10**9}))


def test_networks_that_would_take_hours_to_build_are_not_built(altered):
    from itrans.api import GENERATORS

    @GENERATORS.register("endless")
    class Endless(torch.nn.Module):
        def __init__(self, *, in_channels: int, out_channels: int, layers: int = 1) -> None:
            super().__init__()
            self.layers = torch.nn.Sequential(*(torch.nn.Linear(1, 1) for _ in range(layers)))

    try:
        with pytest.raises(CheckpointError, match="far larger"):
            load(altered(recipe__generator={"name": "endless", "layers": 10**9}, components=[]))
    finally:
        GENERATORS.unregister("endless")


def test_what_hangs_on_a_state_is_not_called(altered, content):
    record = torch.load(io.BytesIO(content), weights_only=True)
    state = OrderedDict(record["networks"]["generator"])
    expected = dict(state)
    state.get = state.keys = state.values = "shadowed"
    state._metadata = {"": "not a table"}
    found = load_checkpoint(altered(networks__generator=state)).networks["generator"]
    assert alike(expected, dict(found))


def resumed(record, folder, path):
    """Return what is wrong with going on from a record, and what was said."""
    torch.save(record, path)
    case = Case("resume", path.read_bytes(), runs(folder)["resume"])
    try:
        case.run(path)
    except ItransError as error:
        return failure(case, path), str(error)
    return failure(case, path), ""


def test_an_optimiser_whose_values_are_one_repeated_does_not_write_beyond_it(content, folder, tmp_path):
    record = torch.load(io.BytesIO(content), weights_only=True)
    gathered = record["training"]["optimizers"]["generator"]["state"][0]
    gathered["exp_avg"] = torch.zeros(1).reshape([1] * gathered["exp_avg"].ndim).expand(gathered["exp_avg"].shape)
    assert resumed(record, folder, tmp_path / "altered.pt") == (None, "")


@pytest.mark.parametrize(
    ("key", "value"),
    [("exp_avg", torch.zeros(1)), ("exp_avg_sq", "x"), ("step", torch.zeros(3)), ("exp_avg", None)],
)
def test_an_optimiser_of_other_shapes_is_named(content, folder, tmp_path, key, value):
    record = torch.load(io.BytesIO(content), weights_only=True)
    record["training"]["optimizers"]["generator"]["state"][0][key] = value
    fault, said = resumed(record, folder, tmp_path / "altered.pt")
    assert fault is None
    assert f"optimizers.generator.state.0.{key}" in said


def test_averages_of_other_shapes_are_named_and_not_stretched(content, folder, tmp_path):
    record = torch.load(io.BytesIO(content), weights_only=True)
    averages = record["training"]["averages"]["generator"]
    name = next(iter(averages))
    averages[name] = torch.zeros(1)
    fault, said = resumed(record, folder, tmp_path / "altered.pt")
    assert fault is None
    assert f"averages.generator.{name} is 1" in said
