"""Whatever a recipe holds, it is loaded, or what is wrong with it is said: in seconds, and by an `ItransError`."""

from __future__ import annotations

from pathlib import Path

from fuzz.recipes import cases, fault


def test_broken_recipes_get_a_message_that_names_them(tmp_path):
    found = {}
    for number, case in enumerate(cases(120, 1)):
        folder = Path(tmp_path, str(number))
        folder.mkdir()
        if wrong := fault(case, folder):
            found[f"{number}: {case.name}"] = wrong
    assert found == {}
