"""The command `evaluate`, and the function behind it, on pairs of RGB pictures."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from cli.printed import json_of

from itrans.api import load, read_image
from itrans_evaluate import evaluate_checkpoint


@pytest.fixture
def checkpoint(itrans, recipe):
    done = itrans("run", recipe, "-o", "run")
    assert done.exit_code == 0, done.output
    return Path("run/checkpoints/last.pt").resolve()


def test_the_scores_are_those_of_validation_and_near_those_of_the_translated_files(itrans, checkpoint, aligned):
    found = json_of(itrans("evaluate", checkpoint, "--split", "val", "--json"))
    translator = load(checkpoint, precision="fp32", seed=3)
    distances, written, source_distances = [], [], []
    for path in sorted((aligned / "val").iterdir()):
        source, target = np.split(read_image(path), 2, axis=1)
        output = translator.translate(np.ascontiguousarray(source))
        written.append(np.abs(output.astype(float) - target).mean() / 255)
        planes = torch.from_numpy(source).permute(2, 0, 1)[None] / 127.5 - 1
        output = translator.translate_planes(planes)[0].permute(1, 2, 0).numpy()
        distances.append(np.abs((output + 1) / 2 - target / 255).mean())
        source_distances.append(np.abs(source.astype(float) - target).mean() / 255)
    assert found["pictures"] == 3
    assert found["scores"]["l1"]["value"] == pytest.approx(np.mean(distances), abs=1e-6)
    assert found["scores"]["l1"]["deviation"] == pytest.approx(np.std(distances), abs=1e-6)
    assert found["scores"]["source_l1"]["value"] == pytest.approx(np.mean(source_distances), abs=1e-6)
    log = [json.loads(line) for line in Path("run/log.jsonl").read_text().splitlines()]
    validated = [line for line in log if line["event"] == "validation"][-1]["metrics"]
    assert {name: score["value"] for name, score in found["scores"].items()} == validated  # to the last bit
    assert found["scores"]["l1"]["value"] == pytest.approx(np.mean(written), abs=0.5 / 255)  # which are rounded


def test_a_table_is_written_over_no_other_kind_of_file(itrans, checkpoint, recipe):
    before = recipe.read_bytes()
    done = itrans("evaluate", checkpoint, "--split", "val", "--csv", recipe)
    assert (done.exit_code, ".csv" in done.stderr) == (2, True)
    assert recipe.read_bytes() == before


def test_a_folder_gets_scores_pictures_and_grids_that_agree(itrans, checkpoint):
    done = itrans("evaluate", checkpoint, "--split", "val", "-o", "out", "--csv", "table.csv", "--metrics", "psnr,l1")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[1].split() == ["metric", "value", "deviation", "pictures"]
    names = ["best.png", "pictures.csv", "results.json", "results.md", "worst.png"]
    assert sorted(path.name for path in Path("out").iterdir()) == names
    assert Path("table.csv").read_bytes() == Path("out/pictures.csv").read_bytes()
    rows = list(csv.DictReader(Path("out/pictures.csv").read_text().splitlines()))
    results = json.loads(Path("out/results.json").read_text())
    assert list(rows[0]) == ["key", "psnr", "l1", "source_l1"]
    for name in ("psnr", "l1"):
        mean = np.mean([float(row[name]) for row in rows])
        assert results["scores"][name]["value"] == pytest.approx(mean, rel=1e-6)
        assert f"| {name} | {mean:#.4g} |" in Path("out/results.md").read_text()
    assert results["ranked_by"] == "psnr"
    # three columns of 16 pixels, three rows, margins of 4 and lines of text
    assert read_image("out/best.png").shape[1] == 3 * (6 * 16 + 4) + 4
    best, worst = (cv2.imread(f"out/{name}.png")[22 : 22 + 96 : 6, 4 : 4 + 96 : 6] for name in ("best", "worst"))
    order = sorted(rows, key=lambda row: float(row["psnr"]), reverse=True)
    for shown, row in ((best, order[0]), (worst, order[-1])):
        assert np.array_equal(shown, cv2.imread(str(Path("aligned/val") / Path(row["key"]).name))[:, :16])


def test_a_data_set_that_has_moved_is_found_with_set(itrans, checkpoint, aligned):
    expected = json_of(itrans("evaluate", checkpoint, "--split", "val", "--json"))
    aligned.rename("elsewhere")
    done = itrans("evaluate", checkpoint, "--split", "val")
    assert done.exit_code == 2
    assert str(aligned) in done.stderr
    assert "--set dataset.root=" in done.stderr
    options = ["--split", "val", "--json", "--set", "dataset.root=elsewhere"]
    assert json_of(itrans("evaluate", checkpoint, *options)) == expected


def test_pairs_augment_seed_and_mode_are_heeded(itrans, recipe):
    itrans("run", recipe, "-o", "deep", "--set", "generator.depth=5", "--set", "train.steps=1")
    checkpoint = "deep/checkpoints/last.pt"
    values = [
        json_of(itrans("evaluate", checkpoint, "--split", "val", "--json", *options))["scores"]["l1"]
        for options in ([], ["--seed", 1], ["--mode", "running"], ["--pairs", 1], ["--set", "augment.size=8"], [])
    ]
    assert values[0] == values[5]
    assert len({score["value"] for score in values}) == 5
    assert [score["pictures"] for score in values] == [3, 3, 3, 1, 3, 3]


def test_pictures_that_are_too_small_for_a_metric_are_left_out_and_told_of(itrans, checkpoint):
    found = json_of(itrans("evaluate", checkpoint, "--split", "val", "--metrics", "l1,ms_ssim", "--json"))
    assert list(found["scores"]) == ["l1", "ms_ssim", "source_l1"]
    assert found["scores"]["ms_ssim"] == {"value": None, "pictures": 0, "deviation": None}
    assert found["notes"] == ["ms_ssim: 3 of 3 pictures are left out; it takes 176 pixels or more on the shorter side."]


def test_a_metric_without_a_value_has_a_row_with_a_dash(itrans, checkpoint):
    done = itrans("evaluate", checkpoint, "--split", "val", "--metrics", "ms_ssim,l1", "--pairs", 1, "-o", "out")
    assert done.exit_code == 0, done.output
    assert "on 1 pair of the split val" in done.stdout
    assert ["ms_ssim", "-", "-", "0"] in [line.split() for line in done.stdout.splitlines()]
    assert "Note: ms_ssim: 1 of 1 picture is left out" in done.stdout
    assert "| ms_ssim | - |  | 0 |" in Path("out/results.md").read_text()


def test_what_stood_in_for_the_data_is_said_with_every_result(itrans, checkpoint):
    record = torch.load(checkpoint, weights_only=True)
    torch.save({**record, "sample": "SAMPLE DATA: by somebody."}, "sampled.pt")
    done = itrans("evaluate", "sampled.pt", "--split", "val", "-o", "out")
    assert done.exit_code == 0, done.output
    itrans("evaluate", checkpoint, "--split", "val", "-o", "plain")
    for text in (done.stdout, Path("out/results.md").read_text(), Path("out/results.json").read_text()):
        assert "SAMPLE DATA: by somebody." in text
    assert read_image("out/best.png").shape[0] > read_image("plain/best.png").shape[0]


MISTAKES = [
    (["--split", "val", "--metrics", "l1,psn"], 'There is no metric "psn". Did you mean "psnr"'),
    (["--split", "val", "--metrics", "class_iou"], "--segmenter"),
    (["--split", "val", "--metrics", "fid"], "torch-fidelity"),
    (["--split", "val", "--features", "resnet18"], "timm:BACKBONE"),
    (["--split", "val", "--features", "timm:resnt18"], "resnet18"),
    (["--split", "val", "--features", "timm:test_resnet", "--weights", "none.pth"], "none.pth"),
    (["--split", "val", "--features", "timm:test_resnet", "--weights", "parts.pth"], "parts.pth"),
    (["--split", "val", "--features", "random:test_resnet", "--weights", "parts.pth"], "random weights"),
    (["--split", "val", "--weights", "parts.pth"], "--features"),
    (["--split", "val", "--pairs", 1, "--features", "random:test_resnet"], "only one pair"),
    (["--split", "val", "--segmenter", "run/checkpoints/last.pt"], "label maps"),
    (["--split", "val", "--set", "generator.depth=4"], "the checkpoint's"),
    (["--split", "val", "--set", "dataset.rot=4"], "rot"),
    (["--split", "val", "--device", "cuda:99"], "cuda:99"),
]


def test_a_mistake_gets_one_message_and_leaves_no_result(itrans, checkpoint, monkeypatch):
    torch.save({"layer": torch.zeros(1)}, "parts.pth")
    monkeypatch.setattr(
        "itrans.translating.translator.Translator.translate_planes", lambda *_, **__: pytest.fail("has begun")
    )
    for options, said in MISTAKES:
        done = itrans("evaluate", checkpoint, "-o", "out", "--csv", "table.csv", *options)
        assert done.exit_code == 2, done.output
        assert said in done.stderr
        assert "Traceback" not in done.output
        assert not Path("table.csv").exists()
        assert not list(Path("out").glob("*"))


def test_a_split_that_is_missing_or_empty_is_named(itrans, checkpoint, aligned):
    (aligned / "val").rename(aligned / "later")
    done = itrans("evaluate", checkpoint)
    assert done.exit_code == 2
    assert 'has no folder "test"' in done.stderr
    assert "--split" in done.stderr
    (aligned / "test").mkdir()
    done = itrans("evaluate", checkpoint)
    assert done.exit_code == 2
    assert str(aligned / "test") in done.stderr


def test_a_broken_picture_is_named_and_nothing_is_left(itrans, checkpoint, aligned):
    (aligned / "val" / "02.png").write_bytes(b"no picture")
    done = itrans("evaluate", checkpoint, "--split", "val", "-o", "out")
    assert done.exit_code == 2
    assert "02.png" in done.stderr
    assert not list(Path("out").glob("*"))


def test_the_python_function_returns_what_the_command_prints(itrans, checkpoint):
    printed = json_of(itrans("evaluate", checkpoint, "--split", "val", "--json"))
    evaluation = evaluate_checkpoint(checkpoint, split="val")
    assert evaluation.as_json() == printed
    assert (len(evaluation.best), len(evaluation.worst)) == (2, 1)


def test_the_checkpoint_is_read_once(itrans, checkpoint, monkeypatch):
    read, load_file = [], torch.load
    monkeypatch.setattr("torch.load", lambda path, **options: read.append(path) or load_file(path, **options))
    json_of(itrans("evaluate", checkpoint, "--split", "val", "--json"))
    assert read == [checkpoint]
