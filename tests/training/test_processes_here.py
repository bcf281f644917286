"""What the environment says of several processes, where `torchrun` has not said it."""

from __future__ import annotations

import pytest

from itrans.errors import ItransError
from itrans.training.processes import Processes, processes_here

NAMES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
WHOLE = {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}
FIRST = {**WHOLE, "RANK": "0", "LOCAL_RANK": "0"}


@pytest.fixture
def said(monkeypatch):
    def say(**variables):
        for name in NAMES:
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return say


def test_what_torchrun_says_is_taken(said):
    said()
    assert processes_here() == Processes()
    said(**WHOLE)
    assert processes_here() == Processes(1, 2, 1)


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"WORLD_SIZE": "2"}, "RANK and LOCAL_RANK and MASTER_ADDR and MASTER_PORT are not set"),
        ({"WORLD_SIZE": "x"}, 'WORLD_SIZE is "x"'),
        ({"WORLD_SIZE": ""}, 'WORLD_SIZE is ""'),
        ({"WORLD_SIZE": "0"}, "WORLD_SIZE is 0"),
        ({"WORLD_SIZE": "9" * 5000}, "WORLD_SIZE is"),
        ({"RANK": "5"}, "RANK is 5, but WORLD_SIZE is not set"),
        ({"LOCAL_RANK": "-1"}, 'LOCAL_RANK is "-1"'),
        ({"LOCAL_RANK": "1"}, "LOCAL_RANK is 1"),
        ({**WHOLE, "RANK": "2"}, "RANK is 2, but WORLD_SIZE is 2"),
        ({**WHOLE, "RANK": "1.0"}, 'RANK is "1.0"'),
        ({**WHOLE, "LOCAL_RANK": "\N{SUPERSCRIPT TWO}"}, "LOCAL_RANK is"),
        ({name: value for name, value in WHOLE.items() if name != "MASTER_ADDR"}, "MASTER_ADDR is not set"),
    ],
)
def test_anything_else_is_told_with_the_variable(said, variables, named):
    said(**variables)
    with pytest.raises(ItransError) as caught:
        processes_here()
    assert named in str(caught.value)
    assert "torchrun sets it" in str(caught.value)


@pytest.mark.parametrize("variables", [{"WORLD_SIZE": "2"}, FIRST | {"MASTER_PORT": "x"}])
def test_a_run_says_it_in_one_message_and_other_commands_do_not_mind(itrans, said, recipe, variables):
    said(**variables)
    done = itrans("run", recipe, "-o", "out")
    assert (done.exit_code, type(done.exception)) == (2, SystemExit), done.output
    assert "MASTER_PORT" in done.stderr
    assert itrans("run", recipe, "--check").exit_code == 0
    assert itrans("list-plugins").exit_code == 0
