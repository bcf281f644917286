"""Whatever a file of a picture holds, it is read and translated, or refused by its name."""

from __future__ import annotations

from pathlib import Path

from fuzz.pictures import cases, fault


def test_broken_pictures_are_read_or_refused(tmp_path):
    found = {}
    for number, (name, content) in enumerate(cases(700, 1)):
        folder = Path(tmp_path, str(number))
        folder.mkdir()
        if wrong := fault(name, content, folder):
            found[f"{number}: {name}"] = wrong
    assert found == {}


def test_directories_out_of_reach(tmp_path):
    big = b"II+\0\x08\0\0\0" + b"\xff" * 8 + bytes(40)
    entry = b"\x12\x01\x03\0" + b"\xff" * 16  # an orientation, of 2^64 - 1 values, at the last place
    inside = b"II+\0\x08\0\0\0\x10" + bytes(7) + b"\x01" + bytes(7) + entry + bytes(8)
    for number, content in enumerate((big, inside)):
        assert fault("far.tif", content, tmp_path) is None, number
