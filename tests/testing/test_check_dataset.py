"""`check_dataset` passes what works, and names each fault of what does not."""

from __future__ import annotations

import random

import numpy as np
import pytest

from itrans.api import DataError, ImageSpec, MissingSplitError, Pair, Split
from itrans.testing import check_dataset


class Good:
    """A data set as it should be, to be spoilt."""

    source = target = ImageSpec(channels=1)
    attribution = "Noise"

    def __init__(self, *, count: int = 5, split: Split) -> None:
        self.count, self.seed = count, ["train", "val", "test"].index(split)

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        picture = np.random.default_rng([self.seed, index]).integers(0, 256, (8, 8, 1), dtype=np.uint8)
        return Pair(picture, 255 - picture, f"{index}")


class TrainingOnly(Good):
    """Has nothing to validate with, and says so."""

    def __init__(self, *, split: Split) -> None:
        if split != "train":
            raise MissingSplitError(f"There is no {split}.")
        super().__init__(split=split)


class Unpaired(Good):
    """Draws a target of another size for each source."""

    paired = False

    def __getitem__(self, index):
        return self.draw(index, 0)

    def draw(self, index, seed):
        pair = super().__getitem__(index)
        target = super().__getitem__(int(np.random.default_rng([index, seed]).integers(self.count))).target
        return pair._replace(target=np.tile(target, (1, 2, 1)))


class Exact(Good):
    """Pictures of other types than uint8."""

    source, target = ImageSpec(channels=1, dtype="float32"), ImageSpec(channels=3, dtype="uint16")

    def __getitem__(self, index):
        source, target, key = super().__getitem__(index)
        return Pair((source / np.float32(255)).astype(np.float32), np.tile(target, 3).astype(np.uint16) * 257, key)


@pytest.mark.parametrize("component", [Good, TrainingOnly, Unpaired, Exact])
def test_good_data_sets_pass(component):
    check_dataset(component)


def test_arguments_of_the_recipe_and_of_itrans_may_be_given():
    check_dataset(Good, count=40)
    check_dataset(Good, split="val")


class Watched(Good):
    """Notes what is read of it."""

    read: set[int]

    def __getitem__(self, index):
        Watched.read.add(index)
        return super().__getitem__(index)


def test_at_most_sixteen_pairs_are_read():
    Watched.read = set()
    check_dataset(Watched, count=1000, split="train")
    assert len(Watched.read) == 16
    assert {0, 999} <= Watched.read


class Unsized:
    source = target = Good.source

    def __init__(self, *, split: Split) -> None:
        pass

    def __getitem__(self, index):
        pass


class PairedPerhaps(Good):
    paired = "perhaps"


class PairedLater(Good):
    def __init__(self, *, split: Split) -> None:
        super().__init__(split=split)
        self.paired = 1


class Attributed(Good):
    attribution = ("Noise",)


class Missing(Good):
    def __init__(self, *, split: Split) -> None:
        raise MissingSplitError("nothing here")


class Unbuilt(Good):
    def __init__(self, *, split: Split) -> None:
        if split == "test":
            raise KeyError(split)
        super().__init__(split=split)


class Unspecified(Good):
    target = 1


class Empty(Good):
    def __len__(self):
        return 0 if self.seed else 5


class Short(Good):
    """Says that it has more than it has."""

    def __getitem__(self, index):
        return super().__getitem__([0, 1, 2][index])


class Gone(Good):
    def __getitem__(self, index):
        raise DataError("4.png is gone.")


class Deep(Good):
    source = ImageSpec(channels=1, dtype="uint16")


class Colourful(Good):
    target = ImageSpec(channels=3)


class Flat(Good):
    def __getitem__(self, index):
        return super().__getitem__(index)._replace(source=np.zeros((8, 8), np.uint8))


class Uneven(Good):
    def __getitem__(self, index):
        return super().__getitem__(index)._replace(source=np.zeros((8, 9, 1), np.uint8))


class Bright(Good):
    source = ImageSpec(channels=1, dtype="float32")

    def __getitem__(self, index):
        pair = super().__getitem__(index)
        return pair._replace(source=np.linspace(-1, 255, 64, dtype=np.float32).reshape(8, 8, 1) + index - self.seed)


class Numbered(Good):
    def __getitem__(self, index):
        return super().__getitem__(index)._replace(key=index)


class Nameless(Good):
    def __getitem__(self, index):
        return super().__getitem__(index)._replace(key="pair")


class Halved(Good):
    """Has a name for every two pairs."""

    def __init__(self, *, count: int = 100, split: Split) -> None:
        super().__init__(count=count, split=split)

    def __getitem__(self, index):
        return super().__getitem__(index)._replace(key=f"{index // 2}")


class Drifting(Good):
    def __getitem__(self, index):
        noise = np.random.default_rng().integers(0, 256, (8, 8, 1), dtype=np.uint8)
        return super().__getitem__(index)._replace(target=noise)

    def __getstate__(self):
        return {"count": 5, "seed": self.seed}


class Unpicklable(Good):
    def __init__(self, *, split: Split) -> None:
        super().__init__(split=split)
        self.open = lambda: None


class Forgetful(Good):
    """Loses in another process what it has."""

    def __getstate__(self):
        return {"count": self.count, "seed": self.seed + 10}


class Raising(Good):
    def draw(self, index, seed):
        raise RuntimeError("no drawing")


class Moody(Good):
    def draw(self, index, seed):
        return super().__getitem__(int(np.random.default_rng().integers(1000)))


class Seeding(Good):
    def __getitem__(self, index):
        random.seed(index)
        return super().__getitem__(index)


class SeedingNumpy(Good):
    def __init__(self, *, split: Split) -> None:
        np.random.seed(0)
        super().__init__(split=split)


class Leaking(Good):
    def __getitem__(self, index):
        return super().__getitem__(index) if index < 4 else Good(split="train")[index]


SPLITS = ("train", "val", "test")


@pytest.mark.parametrize(
    ("component", "sentences"),
    [
        (Unsized, ["It has no __len__(), which itrans calls."]),
        (PairedPerhaps, ["paired should be a bool, but is 'perhaps'."]),
        (PairedLater, ["paired should be True or False, but is 1."]),
        (Attributed, ["attribution should be a str, but is ('Noise',)."]),
        (Missing, ["There should be a split train, but is none: nothing here"]),
        (Unbuilt, ["Its split test raises KeyError: 'test'."]),
        (Unspecified, ["Its target should be an ImageSpec, but is 1."]),
        (Empty, [f"Its split {split} should have pairs, but is empty." for split in SPLITS[1:]]),
        (Short, [f"Pair 3 of {split} is not what it should be. Pair 3 of the data set (Short)" for split in SPLITS]),
        (Gone, [f"Pair 0 of {split} is not what it should be. 4.png is gone." for split in SPLITS]),
        (Deep, [f"Pair 0 of {split} is not what it should be. 0: the source is uint8, but" for split in SPLITS]),
        (Colourful, [f"Pair 0 of {split} is not what it should be. 0: the target has 1 chann" for split in SPLITS]),
        (Flat, [f"Pair 0 of {split} is not what it should be. 0: the source is not an array" for split in SPLITS]),
        (Uneven, [f"Pair 0 of {split} is not what it should be. 0: the source is 9x8 and the" for split in SPLITS]),
        (
            Bright,
            [
                f"Pair 0 of {split} is not what it should be. 0: the source has floats from {-1 - less} to {255 - less}"
                for less, split in enumerate(SPLITS)
            ],
        ),
        (Numbered, [f"A key should be a text that names the pair, and one of {split} is 0." for split in SPLITS]),
        (Halved, [f"A key should name one pair of a split, and '0' names several of {s}." for s in SPLITS]),
        (Nameless, [f"A key should name one pair of a split, and 'pair' names several of {s}." for s in SPLITS]),
        (
            Drifting,
            [
                "Read twice, a pair of train should be the same, but is not: what is drawn at random depends on the",
                "Sent to a worker process (by pickle), it should give the same pairs, but gives others.",
                *(f"Read twice, a pair of {split} should be the same, but is not" for split in SPLITS[1:]),
            ],
        ),
        (Unpicklable, ["Sent to a worker process (by pickle), it raises AttributeError: "]),
        (Forgetful, ["Sent to a worker process (by pickle), it should give the same pairs, but gives others."]),
        (Raising, [f"draw(index, seed) of {s} raises DataError: Pair 0 of the data set (Raising) fai" for s in SPLITS]),
        (Moody, ["draw() should give one pair for one index and seed, whatever was drawn before, but gives several."]),
        (Seeding, ["It seeds the random numbers of random, from which others draw too"]),
        (SeedingNumpy, ["It seeds the random numbers of numpy, from which others draw too"]),
        (Leaking, [f"A pair should be in one split, and 4 of {split} is in train too" for split in SPLITS[1:]]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_faults_of_data_sets_are_named(component, sentences, faults_of):
    faults = faults_of(check_dataset, component)
    assert [fault[: len(sentence)] for fault, sentence in zip(faults, sentences, strict=True)] == sentences
