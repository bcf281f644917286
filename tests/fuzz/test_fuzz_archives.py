"""Whatever an archive holds, it is unpacked whole, or refused without a trace."""

from __future__ import annotations

from pathlib import Path

from fuzz.archives import cases, fault


def test_broken_archives_are_unpacked_whole_or_not_at_all(tmp_path):
    found = {}
    for number, (name, content) in enumerate(cases(300, 1)):
        folder = Path(tmp_path, str(number))
        folder.mkdir()
        if wrong := fault(content, folder):
            found[f"{number}: {name}"] = wrong
    assert found == {}
