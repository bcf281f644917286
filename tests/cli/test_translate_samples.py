"""Several outputs of one picture, and the format of outputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from itrans.api import DataError, ItransError, load, read_image, write_image


def picture(height, width, dtype=np.uint8, channels=3):
    values = np.random.default_rng(height * width).random((height, width, channels), dtype=np.float32)
    return values if dtype == np.float32 else (values * np.iinfo(dtype).max).astype(dtype)


@pytest.fixture
def checkpoint(itrans, recipe):
    done = itrans("run", recipe, "-o", "run", "--set", "train.steps=1")
    assert done.exit_code == 0, done.output
    return Path("run/checkpoints/last.pt").resolve()


@pytest.fixture
def pictures(tmp_path, itrans):
    folder = tmp_path / "in"
    for name, image in {
        "a.png": picture(16, 16),
        "b.jpg": picture(16, 17),
        "deep/c.png": picture(33, 21, np.uint16),
        "deep/d.tif": picture(8, 40, np.float32),
        "deep/e.npy": picture(9, 9, np.uint16),
    }.items():
        write_image(folder / name, image)
    return folder


@pytest.fixture
def dropping(itrans, recipe):
    """A checkpoint of a generator with dropout: a U-Net has some from a depth of 5 on."""
    done = itrans("run", recipe, "-o", "deep", "--set", "generator.depth=5", "--set", "train.steps=1")
    assert done.exit_code == 0, done.output
    return Path("deep/checkpoints/last.pt").resolve()


def files_in(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in Path(folder).rglob("*.*")}


@pytest.mark.parametrize("size", [1, 2, 3, 8])
def test_samples_are_what_the_seeds_give_one_by_one_in_batches_of_any_size(itrans, dropping, pictures, size):
    done = itrans("translate", dropping, pictures, "-o", "out", "--samples", "3", "--seed", "4", "--batch-size", size)
    assert done.exit_code == 0, done.output
    assert "5 of 5 pictures translated into out (mode paper, 3 samples each, seeds 4 to 6)" in done.output
    assert "Warning" not in done.output
    for sample, seed in enumerate((4, 5, 6), start=1):
        itrans("translate", dropping, pictures, "-o", f"seed{seed}", "--seed", seed)
        for place in Path(f"seed{seed}").rglob("*.*"):
            name = place.relative_to(f"seed{seed}")
            one, other = read_image(place), read_image(Path("out") / name.with_stem(f"{name.stem}-{sample}"))
            tolerance = {"uint8": 1, "uint16": 2, "float32": 1e-4}[one.dtype.name]
            assert one.shape == other.shape
            assert np.abs(one.astype(float) - other).max() <= tolerance
    contents = files_in("out")
    assert len(contents) == len(set(contents.values())) == 15


@pytest.mark.parametrize(
    ("samples", "names"),
    [
        (1, ["a.png"]),
        (2, ["a-1.png", "a-2.png"]),
        (10, [f"a-{number:02d}.png" for number in range(1, 11)]),
    ],
)
def test_samples_are_numbered_so_that_their_names_sort(itrans, dropping, pictures, samples, names):
    done = itrans("translate", dropping, "in/a.png", "-o", "out", "--samples", samples)
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in Path("out").iterdir()) == names


def test_samples_that_cannot_differ_are_warned_of_once_with_the_reason(itrans, dropping, checkpoint, pictures):
    for options, used, reason in (
        (["--mode", "running"], dropping, "mode running turns dropout off"),
        ([], checkpoint, "nothing in this generator is random"),
    ):
        done = itrans("translate", used, "in", "-o", "out", "--samples", "2", *options)
        assert done.exit_code == 0, done.output
        [warning] = [line for line in done.stderr.splitlines() if "Warning" in line]
        assert reason in warning
        assert "The 2 samples of" in warning
        assert Path("out/a-1.png").read_bytes() == Path("out/a-2.png").read_bytes()


def test_a_sample_is_never_written_over_an_input(itrans, checkpoint, pictures):
    write_image("in/a-2.png", picture(8, 8))
    before = files_in("in")
    done = itrans("translate", checkpoint, "in", "-o", "in", "--samples", "2")
    assert done.exit_code == 2
    assert "in/a-2.png would be written over an input" in done.stderr
    assert files_in("in") == before


@pytest.mark.parametrize(("chosen", "names"), [("png", ["b.png", "e.png"]), ("npy", ["b.npy", "e.npy"])])
def test_outputs_have_the_format_that_is_asked_for(itrans, checkpoint, pictures, chosen, names):
    done = itrans("translate", checkpoint, "in/b.jpg", "in/deep/e.npy", "-o", "out", "--format", chosen)
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in Path("out").iterdir()) == names
    assert [read_image(Path("out") / name).dtype.name for name in names] == ["uint8", "uint16"]


def test_inputs_that_become_one_file_in_the_format_that_is_asked_for_are_refused(itrans, checkpoint, pictures):
    write_image("in/e.png", picture(8, 8))
    done = itrans("translate", checkpoint, "in/e.png", "in/deep/e.npy", "-o", "out", "--format", "png")
    assert done.exit_code == 2
    assert "would both be written to out/e.png" in done.stderr
    assert not list(Path("out").glob("*"))


def test_samples_and_seeds_in_python(dropping):
    translator, image = load(dropping, seed=7), picture(16, 16)
    samples = translator.samples(image, 3)
    assert len({sample.tobytes() for sample in samples}) == 3
    for number, sample in enumerate(samples):
        alone = translator.translate(image, seed=7 + number)
        assert np.abs(alone.astype(int) - sample).max() <= 1
    np.testing.assert_array_equal(translator.translate(image), translator.translate(image, seed=7))
    in_threes = translator.samples(image, 3, batch_size=2)
    assert max(np.abs(one.astype(int) - other).max() for one, other in zip(samples, in_threes, strict=True)) <= 1
    assert translator.samples(image, 1, seed=8)[0].tobytes() == translator.translate(image, seed=8).tobytes()


def test_seeds_that_do_not_fit_are_refused(checkpoint):
    translator, image = load(checkpoint), picture(8, 8)
    with pytest.raises(DataError, match="2 seeds for 1 pictures"):
        translator.translate_batch([image], seed=[1, 2])
    with pytest.raises(ItransError, match="0 or more"):
        translator.translate(image, seed=-1)
    with pytest.raises(ItransError, match="0 or more"):
        load(checkpoint, seed=-1)
