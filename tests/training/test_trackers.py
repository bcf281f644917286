"""`[[tracker]]`: what is told to whom, and that none of them stops a run."""

from __future__ import annotations

import json

import pytest

from itrans.api import TRACKERS

STEPS = ["--set", "train.steps=4", "--set", "log.every=2"]

OWN = '''
from itrans.api import TRACKERS

@TRACKERS.register("notes")
class Notes:
    """Writes down what it is told."""

    def __init__(self, *, fails_at: str = "", step: int = 0):
        self.fails_at, self.step = fails_at, step

    def note(self, *heard):
        with self.path.open("a") as file:
            print(*heard, file=file)
        if heard[0] == self.fails_at:
            raise OSError("the server is not there")

    def start(self, recipe, folder):
        self.path = folder / "notes.txt"
        self.note("start", self.step, recipe["train"]["steps"])

    def scalars(self, step, values):
        self.note("scalars", step, *sorted(values))

    def pictures(self, step, name, image):
        self.note("pictures", step, name, image.ndim, image.dtype)

    def finish(self, outcome):
        self.note("finish", outcome)
'''


@pytest.fixture
def tracked(itrans, recipe, tmp_path):
    """Run the tiny recipe with some trackers, and return what has been printed and the run's folder."""
    plain = recipe.read_text()

    def run(*tables: str, options: tuple[object, ...] = (), folder: str = "out"):
        recipe.write_text(plain + "".join(f"\n[[tracker]]\n{table}\n" for table in tables))
        done = itrans("run", recipe, "-o", folder, *STEPS, *options)
        return done, tmp_path / folder

    return run


@pytest.fixture
def own(tmp_path):
    """The options that name a file with a tracker of the user's own."""
    (tmp_path / "own.py").write_text(OWN)
    yield "--code", "own.py"
    TRACKERS.unregister("notes")


def test_a_tracker_of_a_file_hears_of_everything(tracked, own):
    done, folder = tracked('name = "notes"', options=own)
    assert done.exit_code == 0, done.output
    heard = (folder / "notes.txt").read_text().splitlines()
    losses = "images_per_second loss/discriminator.cgan loss/generator.cgan loss/generator.l1 lr"
    assert heard[0] == "start 0 4"
    assert "pictures 0 samples 3 uint8" in heard
    assert [line for line in heard if "loss/" in line] == [f"scalars 2 {losses}", f"scalars 4 {losses}"]
    assert any(line.startswith("scalars 4 validation/l1 validation/psnr") for line in heard)
    assert heard[-1] == "finish finished"


@pytest.mark.parametrize("place", ["start", "scalars", "pictures", "finish"])
def test_one_that_fails_is_told_of_once_and_stops_nothing(tracked, own, place):
    done, folder = tracked(f'name = "notes"\nfails_at = "{place}"', 'name = "jsonl"', options=own)
    assert done.exit_code == 0, done.output
    assert done.output.count('The tracker "notes" has failed') == 1
    assert "the server is not there" in done.output
    assert [line.split()[0] for line in (folder / "notes.txt").read_text().splitlines()].count(place) == 1
    assert len((folder / "scalars.jsonl").read_text().splitlines()) == 3
    assert (folder / "checkpoints" / "best.pt").is_file()


def test_a_run_that_fails_says_so_to_its_trackers(tracked, own, aligned):
    (aligned / "train" / "03.png").write_bytes(b"no picture")
    done, folder = tracked('name = "notes"', options=own)
    assert done.exit_code == 2
    assert (folder / "notes.txt").read_text().splitlines()[-1] == "finish failed"


def test_lines_of_json_are_not_written_twice_by_a_run_that_goes_on(tracked, itrans):
    done, folder = tracked('name = "jsonl"', options=("--stop-after", 3))
    assert done.exit_code == 130
    with (folder / "scalars.jsonl").open("a") as file:  # as a run that was killed leaves it
        file.write('{"step": 4, "loss/generator.l1": 1.0}\n{"step": 4, "lo')
    assert itrans("run", folder, "--resume").exit_code == 0
    lines = [json.loads(line) for line in (folder / "scalars.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "loss/generator.l1" in line] == [2, 3, 4]
    logged = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    means = [line["means"]["generator.l1"] for line in logged if line["event"] == "step"]
    assert [line["loss/generator.l1"] for line in lines if "loss/generator.l1" in line] == means


def test_tensorboard_reads_what_is_written_for_it(tracked):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    done, folder = tracked('name = "tensorboard"')
    assert done.exit_code == 0, done.output
    assert "failed" not in done.output
    events = EventAccumulator(str(folder / "tensorboard")).Reload()
    assert [event.step for event in events.Scalars("loss/generator.l1")] == [2, 4]
    assert [event.step for event in events.Scalars("validation/l1")] == [4]
    assert 0 in [event.step for event in events.Images("samples")]
    assert events.Tensors("recipe/text_summary")


@pytest.mark.parametrize(("name", "package"), [("wandb", "wandb"), ("mlflow", "mlflow")])
def test_what_is_not_installed_is_said_and_the_run_goes_on(tracked, monkeypatch, name, package):
    monkeypatch.setitem(__import__("sys").modules, package, None)
    done, folder = tracked(f'name = "{name}"')
    assert done.exit_code == 0, done.output
    assert f"pip install {package}" in done.output
    assert (folder / "checkpoints" / "last.pt").is_file()


def test_a_name_or_an_argument_that_is_not_known_is_a_fault_of_the_recipe(tracked):
    done, folder = tracked('name = "tensorbord"', 'name = "jsonl"\nfil = "a"')
    assert done.exit_code == 2
    assert 'There is no tracker "tensorbord". Did you mean "tensorboard"?' in done.stderr
    assert 'takes no "fil". Did you mean "file"?' in done.stderr
    assert not folder.exists()


def test_a_checkpoint_does_not_need_the_trackers_of_its_run(tracked, own, itrans, aligned):
    _, folder = tracked('name = "notes"', options=own)
    TRACKERS.unregister("notes")
    assert itrans("translate", folder, aligned / "val", "-o", "new").exit_code == 0
    assert itrans("evaluate", folder, "--split", "val").exit_code == 0
    assert itrans("inspect", folder).exit_code == 0


def test_others_may_be_chosen_when_a_run_goes_on(tracked, itrans):
    _, folder = tracked(options=("--stop-after", 2))
    done, _ = tracked('name = "jsonl"', options=("--resume",))
    assert done.exit_code == 0, done.output
    assert (folder / "scalars.jsonl").is_file()


@pytest.mark.parametrize("name", ["log.jsonl", "recipe.toml", "/tmp/notes.jsonl", "checkpoints"])
def test_a_file_that_is_not_the_trackers_own_is_refused_before_training(tracked, name):
    done, folder = tracked(f'name = "jsonl"\nfile = "{name}"')
    assert done.exit_code == 2
    assert "tracker.0" in done.stderr
    assert f'"file" is {name}' in done.stderr
    assert not (folder / "checkpoints").exists()
