"""Folders are searched along links, and never without end."""

from __future__ import annotations

from pathlib import Path

import pytest

from itrans.api import find_images, match_images, unread_suffixes


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """Four pictures of its own, and six in a folder elsewhere that it has a link to."""
    touch(tmp_path / "elsewhere", *(f"in/{index}.png" for index in range(6)), "in/x.heic")
    touch(tmp_path / "here", *(f"{index}.png" for index in range(4)))
    try:
        (tmp_path / "here" / "more").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    except OSError:
        pytest.skip("this system makes no links")
    return tmp_path / "here"


def test_links_to_folders_are_followed(linked):
    found = [path.as_posix() for path in find_images(linked)]
    assert found == [*(f"{index}.png" for index in range(4)), *(f"more/in/{index}.png" for index in range(6))]
    assert unread_suffixes(linked) == {".heic": 1}
    assert len(match_images([linked])) == 10


def test_a_folder_that_is_a_link_itself(linked):
    assert len(find_images(linked / "more")) == 6


@pytest.mark.parametrize("target", ["here", "elsewhere", "elsewhere/in"])
def test_a_link_that_leads_back_ends(linked, target):
    (linked.parent / "elsewhere/in/back").symlink_to(linked.parent / target, target_is_directory=True)
    found = [path.as_posix() for path in find_images(linked)]
    assert len(found) == 10


def test_one_folder_under_two_names_is_no_loop(linked):
    (linked / "again").symlink_to(linked.parent / "elsewhere", target_is_directory=True)
    assert len(find_images(linked)) == 16


def test_a_hidden_link_and_one_to_nothing_are_left_out(linked):
    (linked / ".hidden").symlink_to(linked.parent / "elsewhere", target_is_directory=True)
    (linked / "gone").symlink_to(linked.parent / "gone", target_is_directory=True)
    assert len(find_images(linked)) == 10
