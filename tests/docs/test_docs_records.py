"""The page of records has all of them, with all of their fields and defaults."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re

import pytest
from docs.pages import ROOT

import itrans.api

PAGE = (ROOT / "docs" / "records.md").read_text(encoding="utf-8")
ROWS = {
    heading: re.findall(r"^\| `([^`]+)` \| [^|]+ \| ([^|]+) \|", section, flags=re.MULTILINE)
    for heading, section in re.findall(r"^### `(\w+)`\n(.*?)(?=^#|\Z)", PAGE, flags=re.DOTALL | re.MULTILINE)
}


def is_record(component: object) -> bool:
    return inspect.isclass(component) and (dataclasses.is_dataclass(component) or hasattr(component, "_fields"))


def shown(default: object) -> str:
    return "none" if default is None else f"`{default if default in ((), {}) else json.dumps(default)}`"


def fields_of(record: type) -> list[tuple[str, str]]:
    """Return the fields that are given, each with its default as the page shows it."""
    if not dataclasses.is_dataclass(record):
        defaults = getattr(record, "_field_defaults", {})
        return [(name, shown(defaults[name]) if name in defaults else "required") for name in record._fields]
    found = []
    for field in dataclasses.fields(record):
        if field.init:
            has_factory = field.default_factory is not dataclasses.MISSING
            value = field.default_factory() if has_factory else field.default
            found.append((field.name, "required" if value is dataclasses.MISSING else shown(value)))
    return found


def others_of(record: type) -> list[str]:
    """Return the properties and methods of the record's own, and the attributes that a protocol declares."""
    own = [name for name, value in vars(record).items() if not name.startswith("_") and inspect.isroutine(value)]
    own += [name for name, value in vars(record).items() if isinstance(value, property)]
    if not is_record(record):
        own += [name for name in inspect.get_annotations(record) if name not in own]
    return [name for name in own if not is_record(record) or name not in dict(fields_of(record))]


def test_all_records_are_there():
    records = {name for name in itrans.api.__all__ if is_record(getattr(itrans.api, name))}
    assert ROWS.keys() == records | {"Runtime"}


@pytest.mark.parametrize("name", ROWS)
def test_its_fields_are_those_of_the_code(name):
    record = getattr(itrans.api, name)
    fields = fields_of(record) if is_record(record) else []
    rows = [(row.partition("(")[0], default.strip()) for row, default in ROWS[name]]
    assert rows[: len(fields)] == fields
    more = rows[len(fields) :]
    assert {row for row, _ in more} == set(others_of(record))
    assert all(default == "computed" for _, default in more)
