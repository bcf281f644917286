"""`itrans data check`: every pair of every split is read, and all that is wrong is said."""

from __future__ import annotations

import shutil

from itrans.api import read_image, write_image


def test_good_data_are_counted(itrans, recipe):
    done = itrans("data", "check", recipe)
    assert done.exit_code == 0, done.output
    assert "train: 8 pairs read, 0 of them wrong" in done.stdout
    assert "val: 3 pairs read, 0 of them wrong" in done.stdout
    assert "test: " in done.stdout  # there is none, which is no fault


def test_every_picture_that_is_wrong_is_named(itrans, recipe, aligned):
    (aligned / "train/01.png").write_bytes(b"no picture")
    odd = read_image(aligned / "val/00.png")[:, :-1]
    write_image(aligned / "val/00.png", odd)
    done = itrans("data", "check", recipe)
    assert done.exit_code == 2
    assert "train: 8 pairs read, 1 of them wrong" in done.stdout
    assert "01.png" in done.stderr
    assert "00.png" in done.stderr
    assert "31 pixels wide" in done.stderr


def test_a_split_that_cannot_be_used_does_not_keep_the_others_from_being_read(itrans, recipe, aligned):
    shutil.rmtree(aligned / "train")
    (aligned / "val/01.png").write_bytes(b"no picture")
    done = itrans("data", "check", recipe)
    assert done.exit_code == 2
    assert "val: 3 pairs read, 1 of them wrong" in done.stdout
    assert done.output.count("train: ") == 1
    assert "train: " in done.stderr
    assert "01.png" in done.stderr


def test_sample_data_are_checked_instead_and_that_is_said(itrans, recipe, aligned):
    text = recipe.read_text()
    sample = f'[sample]\ndataset = {{ name = "aligned", root = "{aligned.as_posix()}" }}\n'
    recipe.write_text(text.replace(aligned.as_posix(), "gone") + sample)
    done = itrans("data", "check", recipe)
    assert done.exit_code == 0
    assert "SAMPLE DATA: gone is not there" in done.stderr
    refused = itrans("data", "check", recipe, "--no-sample")
    assert refused.exit_code == 2
    assert "dataset.root\n  The data set's folder gone is not there" in refused.stderr
