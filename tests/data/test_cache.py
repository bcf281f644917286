"""Where things are kept that can be made again."""

from __future__ import annotations

from pathlib import Path

import pytest

from itrans import files
from itrans.files import cache_folder


@pytest.fixture(autouse=True)
def _home(monkeypatch, tmp_path):
    for name in ("ITRANS_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(files.Path, "home", lambda: tmp_path)


def test_a_chosen_folder_wins(monkeypatch, tmp_path):
    monkeypatch.setenv("ITRANS_CACHE", str(tmp_path / "chosen"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))

    assert cache_folder("drawn") == tmp_path / "chosen" / "drawn"
    assert not (tmp_path / "chosen").exists()


def test_a_tilde_is_the_home_folder(monkeypatch):
    monkeypatch.setenv("ITRANS_CACHE", "~/somewhere")

    assert cache_folder("drawn") == Path("~/somewhere/drawn").expanduser()


@pytest.mark.parametrize(
    ("platform", "expected"),
    [("linux", ".cache"), ("darwin", "Library/Caches"), ("win32", "AppData/Local")],
)
def test_the_systems_cache_folder(monkeypatch, tmp_path, platform, expected):
    monkeypatch.setattr(files.sys, "platform", platform)

    assert cache_folder("drawn") == tmp_path / expected / "itrans" / "drawn"


def test_empty_variables_are_as_good_as_none(monkeypatch, tmp_path):
    monkeypatch.setattr(files.sys, "platform", "linux")
    monkeypatch.setenv("ITRANS_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", "")

    assert cache_folder("drawn") == tmp_path / ".cache" / "itrans" / "drawn"


@pytest.mark.parametrize(("platform", "variable"), [("linux", "XDG_CACHE_HOME"), ("win32", "LOCALAPPDATA")])
def test_the_systems_variable(monkeypatch, tmp_path, platform, variable):
    monkeypatch.setattr(files.sys, "platform", platform)
    monkeypatch.setenv(variable, str(tmp_path / "elsewhere"))

    assert cache_folder("drawn") == tmp_path / "elsewhere" / "itrans" / "drawn"
