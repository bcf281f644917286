"""What docs/serve.md shows is what there is: its client, its paths, its query, its options."""

from __future__ import annotations

import re

import click
import pytest
from docs.pages import ROOT, blocks_of
from guests.serve.serving import decoded, get, noise, png, post

from itrans_serve.command import serve

PAGE = ROOT / "docs" / "serve.md"


def test_the_client_of_the_page_translates(address, tmp_path, monkeypatch):
    [block] = [block for block in blocks_of(PAGE) if block.language == "python"]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "cat.png").write_bytes(png(noise()))
    source = block.text.replace("http://127.0.0.1:7860", address)
    assert source != block.text
    assert len([line for line in source.splitlines() if line and "import" not in line]) == 3
    exec(compile(source, str(PAGE), "exec"), {})
    translated = (tmp_path / "translated.png").read_bytes()
    assert translated == post(address, png(noise()), seed=1).content
    assert decoded(translated).shape == (16, 16, 3)


@pytest.fixture(scope="module")
def rows() -> set[str]:
    """The code in the first cells of the page's tables."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    return {name for line in lines if line.startswith("| `") for name in re.findall(r"`([^`]+)`", line.split(" | ")[0])}


def test_the_tables_name_all_of_the_api_and_all_options(address, rows):
    described = get(address, "/openapi.json").json()["paths"]
    operations = {f"{method.upper()} {path}" for path, methods in described.items() for method in methods}
    query = {parameter["name"] for parameter in described["/translate"]["post"]["parameters"]}
    options = {
        option
        for parameter in serve.params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
        if option.startswith("--")
    }
    named = {row.split(" NAME")[0] for row in rows} - {"GET /docs", "GET /openapi.json"}
    assert named == operations | query | options


def test_the_page_shows_the_defaults_of_the_options():
    text = PAGE.read_text(encoding="utf-8")
    for parameter in serve.params:
        if parameter.name in {"host", "port", "max_bytes", "max_pixels", "queue", "batch_size", "body_seconds"}:
            default = f"{parameter.default:g}" if parameter.name == "body_seconds" else parameter.default
            assert f"| `{parameter.opts[0]}` | `{default}` |" in text
