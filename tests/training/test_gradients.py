"""What three processes learn together is what one learns of all their pairs."""

from __future__ import annotations

import pytest
import torch
from training.one_of_three import be_one
from training.ranks import start_together
from training.update_runs import train
from training.updates import METHODS, SHARES

from itrans.training.processes import Processes


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Return what each of the processes has come to, by rank."""
    folder = tmp_path_factory.mktemp("together")
    codes = start_together(be_one, SHARES, folder)
    outputs = [(folder / f"output-{rank}.txt").read_text() for rank in range(SHARES)]
    assert codes == [0] * SHARES, outputs
    assert outputs == [""] * SHARES
    return [torch.load(folder / f"found-{rank}.pt") for rank in range(SHARES)]


def assert_close(one, other, key=""):
    assert type(one) is type(other), key
    if isinstance(one, dict | list | tuple):
        assert len(one) == len(other), key
        for name in one.keys() | other.keys() if isinstance(one, dict) else range(len(one)):
            assert_close(one[name], other[name], f"{key}.{name}")
    elif isinstance(one, torch.Tensor):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-9, msg=lambda text: f"{key}: {text}")
    else:
        assert one == other, key


def assert_same(one, other):
    torch.testing.assert_close(one, other, rtol=0, atol=0)


@pytest.mark.parametrize("name", METHODS)
def test_processes_end_with_the_weights_of_one_that_sees_all_their_pairs(found, name):
    alone = train(METHODS[name], range(SHARES), Processes())
    assert_close(found[0][name], alone, name)
    for other in found[1:]:
        assert_same(other[name]["networks"], found[0][name]["networks"])


@pytest.mark.parametrize("name", sorted(METHODS.keys() - {"OwnBackward"}))  # it clips what has not been averaged yet
def test_so_they_do_where_a_step_takes_two_batches(found, name):
    alone = train(METHODS[name], range(SHARES), Processes(), accumulate=2)
    assert_close(found[0][f"{name}, accumulated"], alone, name)
    for other in found[1:]:
        assert_same(other[f"{name}, accumulated"]["networks"], found[0][f"{name}, accumulated"]["networks"])


def test_weights_that_no_process_uses_are_not_touched_by_the_optimiser(found):
    used = found[0]["LeavingOut"]["training"]["optimizers"]["generator"]["state"]
    assert {number: int(state["step"]) for number, state in used.items()} == {0: 5, 1: 5, 2: 2, 3: 2, 4: 5, 5: 5}


def test_a_step_with_an_infinite_loss_in_one_process_is_left_out_in_all(found):
    states = [part["Scaled"]["training"] for part in found]
    assert {state["scaler"]["scale"] for state in states} == {2.0**15}
    assert {int(state["optimizers"]["discriminator"]["state"][0]["step"]) for state in states} == {4}


def test_a_resumed_run_of_three_goes_on_bit_for_bit(found):
    for part in found:
        assert_same(part["resumed"]["networks"], part["whole"]["networks"])


def test_weights_are_shared_and_statistics_stay_each_processs_own(found):
    first, second = (part["whole"]["networks"]["generator"] for part in found[:2])
    statistics = {key for key in first if "running" in key}
    assert statistics == {"1.running_mean", "1.running_var"}
    assert not any(torch.equal(first[key], second[key]) for key in statistics)
    assert all(torch.equal(first[key], second[key]) for key in first.keys() - statistics)


def test_gradients_travel_while_the_backward_pass_goes_on(found):
    assert all(part["early"] for part in found)


def test_only_backward_passes_within_the_backward_pass_need_to_wait_for_its_end(found):
    """torch's engine refuses them."""
    assert all("mark a variable ready only once" in part["refused"] for part in found)
