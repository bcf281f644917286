"""Many texts in little memory."""

from __future__ import annotations

import pickle
import sys

import pytest

from itrans.api import Names, find_images, image_names

TEXTS = ["", "a", "b/ü.png", "写真 🖼", "a\udcff.png", "a"]


@pytest.fixture(params=[1, 3000])
def names(request):
    return Names(TEXTS * request.param), TEXTS * request.param


def test_it_is_the_sequence_that_it_was_made_of(names):
    made, texts = names
    assert list(made) == texts
    assert [made[place] for place in range(-len(texts), len(texts))] == texts * 2
    assert list(made[1:-1:2]) == texts[1:-1:2]
    assert list(made.take([3, 0, 3])) == [texts[3], texts[0], texts[3]]
    assert made == texts
    assert made == Names(texts)
    assert made != texts[:-1]
    assert made != Names([*texts[:-1], "b"])
    assert "b/ü.png" in made
    assert "c" not in made


@pytest.mark.parametrize("place", [len(TEXTS), -len(TEXTS) - 1])
def test_there_is_none_beyond_the_ends(place):
    with pytest.raises(IndexError, match=str(place)):
        Names(TEXTS)[place]


def test_there_may_be_none():
    assert not Names()
    assert list(Names()) == []
    assert "0" in repr(Names())


def test_it_travels_whole_and_takes_little_more_than_its_bytes():
    texts = [f"{number:08d}.png" for number in range(10_000)]
    packed = pickle.dumps(Names(texts))
    assert pickle.loads(packed) == texts
    assert len(packed) < sum(map(len, texts)) + 5 * len(texts)
    assert len(packed) < sum(map(sys.getsizeof, texts)) / 3


def test_the_names_of_a_folder_are_its_pictures_in_the_order_of_their_paths(tmp_path):
    files = ["a-b.png", "a.png", "a/x.PNG", "a.b/y.jpg", "ab/z.npy", "ü.png"]
    for file in [*files, "a/readme.txt", "png", "b.", ".png", "a/.x.png"]:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    assert list(image_names(tmp_path)) == sorted(files)
    assert [path.as_posix() for path in find_images(tmp_path)] == sorted(files)
