"""In what the recipes of several runs differ."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_NOT_SET = ""


def differences(recipes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the keys that not all recipes have alike, each with its `values`: a text for each, empty if not set."""
    flat = [dict(_flat(recipe)) for recipe in recipes]
    keys = dict.fromkeys(key for table in flat for key in table)
    rows = [{"key": key, "values": [table.get(key, _NOT_SET) for table in flat]} for key in keys]
    return [row for row in rows if len(set(row["values"])) > 1]


def _flat(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    is_list_of_tables = isinstance(value, list) and value and all(isinstance(entry, dict) for entry in value)
    if isinstance(value, dict) or is_list_of_tables:
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        for name, inner in entries:
            yield from _flat(inner, f"{key}.{name}" if key else str(name))
    else:
        yield key, json.dumps(value, ensure_ascii=False, default=str)
