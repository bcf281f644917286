"""`itrans sweep --vary`: every combination of some values, the best first."""

from __future__ import annotations

import pytest
from guests.sweep.swept import results

from itrans.errors import DataError
from itrans_sweep.members import Member
from itrans_sweep.table import table_of
from itrans_sweep.variants import folder_name, variants_of


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], [[]]),
        (["a=1,2"], [["a=1"], ["a=2"]]),
        (["a=1,2", "b.c= x , y"], [["a=1", "b.c=x"], ["a=1", "b.c=y"], ["a=2", "b.c=x"], ["a=2", "b.c=y"]]),
        (["a=[1, 2],[3,4]"], [["a=[1, 2]"], ["a=[3,4]"]]),
        (["a={b = 1, c = 2},'x,y',\"z,\""], [["a={b = 1, c = 2}"], ["a='x,y'"], ['a="z,"']]),
        (["a=1,1"], [["a=1"]]),
    ],
)
def test_all_combinations_are_made(options, expected):
    assert variants_of(options) == expected


@pytest.mark.parametrize(
    "options", [["a"], ["=1"], ["a="], ["a=1,"], ["a=,1"], ["a=1", "a=2"], [f"{key}=1,2" for key in "abcdefghijk"]]
)
def test_what_is_no_list_of_values_is_refused(options):
    with pytest.raises(DataError, match="--vary"):
        variants_of(options)


def test_a_folder_s_name_has_nothing_that_a_file_system_minds():
    assert folder_name("l1", ["optimizer.lr=1e-4", "dataset.root=a/b c"]) == "l1-optimizer.lr=1e-4-dataset.root=a_b_c"


def test_every_combination_is_run_and_can_be_gone_on_with(itrans, recipes, tmp_path):
    command = ["sweep", recipes[1], "-o", "out", "--set", "train.steps=1"]
    vary = ["--vary", "optimizer.lr=1e-4,2e-4", "--vary", "loss.l1.weight=10,100"]
    done = itrans(*command, *vary)
    assert done.exit_code == 0, done.output
    found = results(tmp_path / "out")
    assert sorted(" ".join(row["varied"]) for row in found.values()) == [
        f"optimizer.lr={rate} loss.l1.weight={weight}" for rate in ("1e-4", "2e-4") for weight in (10, 100)
    ]
    assert "weight = 10.0" in (tmp_path / "out/l1-optimizer.lr=1e-4-loss.l1.weight=10/recipe.toml").read_text()
    again = itrans(*command, *vary)
    assert again.output.count("finished already") == 4
    assert results(tmp_path / "out") == found


def test_faults_of_a_combination_are_told_before_anything_is_run(itrans, recipes, tmp_path):
    done = itrans("sweep", recipes[1], "-o", "out", "--vary", "optimizer.lr=1e-4,fast")
    assert done.exit_code == 2
    assert "--set optimizer.lr=fast" in done.stderr
    assert not (tmp_path / "out").exists()


def member(seed: int, rate: str, metric: str = "auto", **metrics: float) -> Member:
    return Member(
        "l1", "l1.toml", seed, f"{rate}-{seed}", state="finished", metrics=metrics, varied=[f"lr={rate}"], metric=metric
    )


def shown(members: list[Member]) -> list[str]:
    _, rows = table_of(members)
    return list(dict.fromkeys(row[0] for row in rows))


def test_the_best_mean_comes_first_and_is_marked():
    members = [
        *(member(0, "1", l1=0.1, psnr=9.0), member(1, "1", l1=0.5, psnr=9.0)),
        *(member(0, "2", l1=0.2, psnr=8.0), member(1, "2", l1=0.2, psnr=8.0)),
        Member("l1", "l1.toml", 0, "failed", state="failed", varied=["lr=3"]),
    ]
    assert shown(members) == ["lr=2 <- best", "lr=1", "lr=3"]
    for one in members:
        one.metric = "psnr"
    assert shown(members) == ["lr=1 <- best", "lr=2", "lr=3"]


def test_nothing_is_the_best_by_two_measures_or_alone():
    assert shown([member(0, "1", "l1", l1=0.2), member(0, "2", "psnr", psnr=3.0)]) == ["lr=1", "lr=2"]
    assert shown([member(0, "1", l1=0.2)]) == ["lr=1"]


def test_seeds_are_chosen_by_one_option_alone(itrans, recipes, tmp_path):
    done = itrans("sweep", recipes[1], "-o", "out", "--vary", "seed=1,2", "--seeds", "3,4")
    assert done.exit_code == 2
    assert "--vary seed=1,2 and --seeds" in done.stderr
    assert not (tmp_path / "out").exists()
