"""Whatever a log or a sweep's results hold, they are read, or refused by name and left as they are."""

from __future__ import annotations

from pathlib import Path

from fuzz.logs import cases, fault


def test_broken_logs_are_read_or_refused_by_name(tmp_path):
    found = {}
    for number, (name, content) in enumerate(cases(300, 1)):
        folder = Path(tmp_path, str(number))
        folder.mkdir()
        if wrong := fault(name, content, folder):
            found[f"{number}: {name} {content[:200]!r}"] = wrong
    assert found == {}
