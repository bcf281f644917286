"""What a sweep has written."""

from __future__ import annotations

import json


def results(folder):
    return {row["folder"]: row for row in json.loads((folder / "results.json").read_text())["members"]}
