"""`itrans report`, and the page that a run keeps in its folder: what is in it, and what is refused."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from made_runs import data_of, draw_grid, made_run

from itrans.api import DataError
from itrans.commands import RunFolder
from itrans_report.record import read_record


def test_a_run_leaves_a_page_and_says_where(itrans, recipe, tmp_path):
    done = itrans("run", recipe, "-o", "out")
    assert done.exit_code == 0, done.output
    assert f"open {Path('out', 'index.html')}" in done.output
    run = data_of(tmp_path / "out" / "index.html")["run"]
    assert (run["state"], run["title"], run["step"], run["steps"], run["per_epoch"]) == ("finished", "tiny", 8, 8, 4)
    assert {curve["name"] for curve in run["curves"] if curve["group"] == "loss"} >= {"generator.l1", "generator.cgan"}
    assert [grid["label"] for grid in run["grids"]] == ["before the first step", "epoch 1", "epoch 2"]
    assert run["best"]["value"] == run["best"]["metrics"]["l1"]
    assert any("--set train.epochs=4" in command for _, command in run["commands"])
    assert "[generator]" in run["recipe"]


def test_the_pairs_of_a_page_are_those_that_itrans_evaluate_finds(itrans, recipe, tmp_path):
    assert itrans("run", recipe, "-o", "out").exit_code == 0
    assert itrans("evaluate", "out", "--split", "val", "--csv", "pictures.csv").exit_code == 0
    table = (tmp_path / "pictures.csv").read_text(encoding="utf-8").splitlines()
    place = table[0].split(",").index("l1")
    values = {line.split(",")[0]: float(line.split(",")[place]) for line in table[1:]}
    (shown, *_) = data_of(tmp_path / "out" / "index.html")["run"]["pairs_shown"]
    order = sorted(values, key=values.__getitem__)
    assert shown["metric"] == "l1"
    assert [pair["key"] for pair in shown["best"]] == order[:3]
    assert [pair["key"] for pair in shown["worst"]] == order[::-1][:3]
    for pair in shown["best"]:
        assert pair["value"] == pytest.approx(values[pair["key"]], abs=1e-5)
        assert all(pair[side].startswith("data:image/") for side in ("source", "output", "target"))


def test_the_page_is_right_after_a_stop_and_after_going_on(itrans, recipe, tmp_path):
    assert itrans("run", recipe, "-o", "out", "--stop-after", 5).exit_code == 130
    page = tmp_path / "out" / "index.html"
    stopped = data_of(page)["run"]
    assert stopped["state"] == "interrupted"
    assert ["Continue it", "itrans run out --resume"] in stopped["commands"]
    assert itrans("run", "out", "--resume").exit_code == 0
    run = data_of(page)["run"]
    assert (run["state"], run["step"]) == ("finished", 8)
    (steps,) = [curve["x"] for curve in run["curves"] if curve["name"] == "generator.l1"]
    assert steps == [*range(1, 9)]
    assert run["pairs_shown"][0]["step"] == run["best"]["step"]


def test_a_run_that_fails_is_shown_as_failed_by_both(itrans, recipe, aligned, tmp_path):
    (aligned / "train" / "03.png").write_bytes(b"no picture")
    assert itrans("run", recipe, "-o", "out").exit_code == 2
    page = tmp_path / "out" / "index.html"
    assert data_of(page)["run"]["state"] == "failed"
    assert itrans("report", "out").exit_code == 0
    assert data_of(page)["run"]["state"] == "failed"


def test_a_run_without_a_page_gets_one_later(itrans, recipe, tmp_path):
    done = itrans("run", recipe, "-o", "out", "--set", "log.page=false")
    page = tmp_path / "out" / "index.html"
    assert not page.exists()
    assert not (tmp_path / "out" / "page").exists()
    assert "index.html" not in done.output
    done = itrans("report", "out")
    assert done.exit_code == 0, done.output
    assert done.output.strip() == f"Written to {Path('out', 'index.html')}"
    run = data_of(page)["run"]
    assert run["pairs_shown"] == []
    assert len(run["grids"]) == 3


def test_a_page_with_and_without_leave_the_same_weights(itrans, recipe, tmp_path):
    import torch

    for folder, value in (("with", "true"), ("without", "false")):
        assert itrans("run", recipe, "-o", folder, "--set", f"log.page={value}").exit_code == 0
    states = [torch.load(tmp_path / name / "checkpoints" / "last.pt")["networks"] for name in ("with", "without")]
    for name, state in states[0].items():
        assert all(torch.equal(tensor, states[1][name][key]) for key, tensor in state.items()), name


def test_a_long_run_has_a_small_page_with_every_peak(itrans, tmp_path):
    losses = {1111: 7.25, 1112: -3.5}
    made_run(tmp_path / "long", epochs=200, steps=10, losses=losses)
    began = time.monotonic()
    assert itrans("report", "long").exit_code == 0
    again = data_of(tmp_path / "long" / "index.html")["run"]
    assert time.monotonic() - began < 20
    (curve,) = [curve for curve in again["curves"] if curve["name"] == "generator.l1"]
    assert len(curve["x"]) <= 600
    assert curve["x"][0] == 1
    assert curve["x"][-1] == 2000
    points = dict(zip(curve["x"], curve["y"], strict=True))
    assert {step: points[step] for step in losses} == losses
    assert len(curve["smooth"]) == len(curve["x"])
    assert max(curve["smooth"]) < 1
    assert 20 <= len(again["grids"]) <= 40
    assert again["grids"][-1]["label"] == "epoch 200"


def test_a_grid_that_was_drawn_again_is_encoded_again(itrans, tmp_path):
    folder = made_run(tmp_path / "run")
    assert itrans("report", "run").exit_code == 0
    before = data_of(folder / "index.html")["run"]["grids"]
    draw_grid(folder / "samples" / "epoch-0002.png", 99, (60, 48))
    assert itrans("report", "run").exit_code == 0
    after = data_of(folder / "index.html")["run"]["grids"]
    assert [one["source"] == other["source"] for one, other in zip(before, after, strict=True)] == [True, False, True]


def test_nothing_in_a_recipe_ends_the_data_or_begins_an_element(itrans, tmp_path):
    title = "</script><script>alert(1)</script> {{data}} <!-- \u2028"
    folder = made_run(tmp_path / "run", title=title)
    (folder / "SAMPLE.txt").write_text("<b>sample</b>\n", encoding="utf-8")
    assert itrans("report", "run").exit_code == 0
    text = (folder / "index.html").read_text(encoding="utf-8")
    assert data_of(folder / "index.html")["run"]["title"] == title
    assert "alert(1)</script>" not in text
    assert "<b>sample" not in text
    assert text.count("<script") == 2


def test_a_page_asks_nothing_of_anybody(itrans, tmp_path):
    folder = made_run(tmp_path / "run")
    assert itrans("report", "run").exit_code == 0
    text = (folder / "index.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert re.findall(r"""(?:src|href)\s*=\s*["'](?!data:)""", text) == []
    assert re.findall(r"https?://(?!www\.w3\.org/)", text) == []


def test_several_runs_are_laid_side_by_side(itrans, recipe, tmp_path):
    for name, lr in (("one", 1e-3), ("two", 1e-4)):
        assert itrans("run", recipe, "-o", f"sweep/{name}", "--set", f"optimizer.lr={lr}").exit_code == 0
    made_run(tmp_path / "sweep" / "three")
    done = itrans("report", "sweep")
    assert done.exit_code == 0, done.output
    assert "report.html" in done.output
    data = data_of(tmp_path / "report.html")["comparison"]
    assert [run["label"] for run in data["runs"]] == ["one", "three", "two"]
    assert {"key": "optimizer.lr", "values": ["0.001", "", "0.0001"]} in data["differences"]
    keys = [row["key"] for row in data["rows"]]
    assert len(keys) == 2  # log.pictures
    assert all(row["outputs"][1] is None and row["outputs"][0]["source"] for row in data["rows"])
    assert [run["grid"] is not None for run in data["runs"]] == [False, True, False]


def test_runs_of_one_name_are_called_by_their_folders(itrans, tmp_path):
    for parent in ("a", "b"):
        made_run(tmp_path / parent / "run")
    assert itrans("report", "a/run", "b", "a/run", "-o", "both.html").exit_code == 0
    data = data_of(tmp_path / "both.html")["comparison"]
    assert [run["label"] for run in data["runs"]] == ["a/run", "b/run"]


@pytest.mark.parametrize(("outcome", "noted"), [(None, "stopped"), ("early", "early"), ("interrupted", "interrupted")])
def test_the_state_is_told_by_the_log(itrans, tmp_path, outcome, noted):
    made_run(tmp_path / "run", outcome=outcome)
    assert itrans("report", "run").exit_code == 0
    assert data_of(tmp_path / "run" / "index.html")["run"]["state"] == noted


def test_a_run_that_somebody_trains_is_running(itrans, tmp_path):
    made_run(tmp_path / "run", epochs=3, outcome=None)
    with RunFolder(tmp_path / "run").locked(lambda _: None):
        assert itrans("report", "run").exit_code == 0
    assert data_of(tmp_path / "run" / "index.html")["run"]["state"] == "running"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["missing"], ["missing", "does not exist"]),
        (["empty"], ["empty", "is not a run's folder"]),
        (["run", "-o", "page.txt"], ["page.txt", ".html"]),
        (["run", "-o", "empty"], ["empty", "is a folder"]),
        (["run", "-o", "run/recipe.toml/page.html"], ["page.html", "cannot be written"]),
    ],
)
def test_what_is_refused_is_named_and_nothing_is_written(itrans, tmp_path, arguments, named):
    made_run(tmp_path / "run")
    (tmp_path / "empty").mkdir()
    before = sorted(path.name for path in tmp_path.iterdir())
    done = itrans("report", *arguments)
    assert done.exit_code == 2
    assert all(word in done.stderr for word in named), done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert not (tmp_path / "run" / "index.html").exists()


@pytest.mark.parametrize(("name", "content"), [("log.jsonl", b"no line\n{}\n"), ("recipe.toml", b"title = \xff\n")])
def test_a_damaged_file_is_named_and_the_page_stays(itrans, tmp_path, name, content):
    folder = made_run(tmp_path / "run")
    assert itrans("report", "run").exit_code == 0
    page = (folder / "index.html").read_bytes()
    (folder / name).write_bytes(content)
    done = itrans("report", "run")
    assert done.exit_code == 2
    assert name in done.stderr
    assert (folder / "index.html").read_bytes() == page


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs /dev/zero")
def test_a_log_that_is_a_device_is_not_read(tmp_path):
    folder = made_run(tmp_path / "run")
    (folder / "log.jsonl").unlink()
    (folder / "log.jsonl").symlink_to("/dev/zero")
    with pytest.raises(DataError, match="log.jsonl"):
        read_record(folder)


def test_lines_that_lack_what_the_page_shows_are_no_fault(itrans, tmp_path):
    folder = made_run(tmp_path / "run", epochs=1)
    lines = [{"event": "start", "step": 0}, {"event": "step", "step": 1, "means": 3}, {"event": "step", "step": 2}]
    lines.append({"event": "validation", "step": 2, "metrics": {"odd": 1}, "better": False})
    (folder / "log.jsonl").write_text("\n".join(map(json.dumps, lines)) + '\n{"event": "ste', encoding="utf-8")
    done = itrans("report", "run")
    assert done.exit_code == 0, done.output


def test_a_full_disk_is_one_message_and_leaves_the_page_as_it_was(itrans, tmp_path, monkeypatch):
    folder = made_run(tmp_path / "run")
    assert itrans("report", "run").exit_code == 0
    page, files = (folder / "index.html").read_bytes(), sorted(path.name for path in folder.iterdir())

    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    done = itrans("report", "run")
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
    assert "index.html cannot be written: No space left on device" in done.stderr
    assert (folder / "index.html").read_bytes() == page
    assert sorted(path.name for path in folder.iterdir()) == files
