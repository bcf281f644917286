"""Where things are kept that can be made again."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from itrans.data.cache import cache_folder


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """An environment that says nothing of caches."""
    for variable in ("ITRANS_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(Path, "home", lambda: Path("/home/ada"))


def test_the_variable_says_where(monkeypatch, tmp_path):
    monkeypatch.setenv("ITRANS_CACHE", str(tmp_path))
    assert cache_folder("sample") == tmp_path / "sample"


def test_the_variable_goes_before_the_systems(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    monkeypatch.setenv("LOCALAPPDATA", "/elsewhere")
    monkeypatch.setenv("ITRANS_CACHE", str(tmp_path))
    assert cache_folder("sample") == tmp_path / "sample"


def test_a_tilde_is_the_users_home(monkeypatch):
    monkeypatch.setenv("ITRANS_CACHE", "~/kept")
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("USERPROFILE", "/home/ada")
    assert cache_folder("sample") == Path("/home/ada/kept/sample")


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, "/home/ada/.cache/itrans/sample"),
        ("linux", {"XDG_CACHE_HOME": "/var/ada"}, "/var/ada/itrans/sample"),
        ("linux", {"XDG_CACHE_HOME": "", "ITRANS_CACHE": ""}, "/home/ada/.cache/itrans/sample"),
        ("darwin", {"XDG_CACHE_HOME": "/var/ada"}, "/home/ada/Library/Caches/itrans/sample"),
        ("win32", {}, "/home/ada/AppData/Local/itrans/sample"),
        ("win32", {"LOCALAPPDATA": "/profiles/ada"}, "/profiles/ada/itrans/sample"),
    ],
)
def test_otherwise_it_is_where_the_system_keeps_such_things(monkeypatch, platform, variables, expected):
    monkeypatch.setattr(sys, "platform", platform)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache_folder("sample") == Path(expected)


def test_asking_makes_no_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("ITRANS_CACHE", str(tmp_path / "kept"))
    cache_folder("sample")
    assert list(tmp_path.iterdir()) == []
