"""Components that are arguments of other components: checked, made, recorded, and laid over like any table."""

from __future__ import annotations

import pickle
import tomllib
from pathlib import Path

import pytest
import torch

from itrans.commands import load_checkpoint, load_recipe
from itrans.errors import RecipeError

PARTS = '''
    from __future__ import annotations

    from collections.abc import Sequence
    from typing import TYPE_CHECKING

    from torch import nn

    from itrans.api import Translated, apply_generator

    if TYPE_CHECKING:
        from itrans.api import Component, Dataset, Generator, Loss, Split


    class Distil:
        """A teacher learns from targets, and the generator from the teacher."""

        generators = ("generator",)

        def __init__(
            self,
            *,
            build_generator,
            losses,
            source,
            target,
            teacher: Component[Generator],
            spare: Component[Generator] | None = None,
            terms: Sequence[Component[Loss]] = (),
        ) -> None:
            self.networks = {"generator": build_generator(source.planes, target.planes)}
            self.losses, self.terms, self.spare = losses, [term() for term in terms], spare
            if losses:
                self.networks["teacher"] = teacher(in_channels=source.planes, out_channels=target.planes)

        def step(self, batch, runtime):
            target, logged = batch.target, {}
            for name in ("teacher", "generator"):
                with runtime.update(name) as update:
                    pair = Translated(batch.source, target, apply_generator(self.networks[name], batch.source))
                    values = {entry.name: entry.weight * entry.loss(pair) for entry in self.losses}
                    values |= {f"term-{place}": term(pair) for place, term in enumerate(self.terms)}
                    update(values)
                logged |= {f"{name}.{loss}": value.detach() for loss, value in values.items()}
                target = pair.output.detach()
            return logged

        def translate(self, source, direction="forward"):
            return apply_generator(self.networks["generator"], source)


    class First:
        """The first pairs of another data set."""

        def __init__(self, *, inner: Component[Dataset], count: int = 4, split: Split) -> None:
            self.make, self.inner, self.count = inner, inner(), count
            self.source, self.target = self.inner.source, self.inner.target

        def __len__(self) -> int:
            return min(self.count, len(self.inner))

        def __getitem__(self, index):
            return self.inner[index]


    class Flat(nn.Module):
        def __init__(self, *, in_channels: int, out_channels: int, width: int = 4, initialize: bool) -> None:
            super().__init__()
            self.initialized = initialize
            self.layers = nn.Sequential(nn.Conv2d(in_channels, width, 1), nn.Conv2d(width, out_channels, 1), nn.Tanh())

        def forward(self, source):
            return self.layers(source)
'''
ENTRY_POINTS = """\
    [itrans.methods]
    distil = itrans_acme:Distil
    [itrans.datasets]
    first = itrans_acme:First
    [itrans.generators]
    flat = itrans_acme:Flat
"""
RECIPE = """\
[dataset]
name = "first"
count = 3
[dataset.inner]
name = "first"
[dataset.inner.inner]
name = "aligned"
root = "{root}"

[generator]
name = "flat"

[method]
name = "distil"

[method.teacher]
name = "flat"
width = 8

[[method.terms]]
name = "l1"

[[loss]]
name = "l1"

[train]
batch_size = 2
steps = 2
precision = "fp32"
workers = 0
"""


@pytest.fixture
def nested(install, aligned, tmp_path):
    install("itrans-acme", "1.0", ENTRY_POINTS, itrans_acme=PARTS)
    path = tmp_path / "nested.toml"
    path.write_text(RECIPE.format(root=aligned.as_posix()))
    return path


def problems(path: Path, **options: object) -> list[str]:
    with pytest.raises(RecipeError) as found:
        load_recipe(path, **options)
    return [str(problem) for problem in found.value.problems]


def test_they_train_resume_translate_and_are_recorded(nested, itrans, aligned):
    assert itrans("run", nested, "-o", "run").exit_code == 0
    resolved = tomllib.loads(Path("run/recipe.toml").read_text())
    assert resolved["method"]["teacher"] == {"name": "flat", "width": 8}
    assert resolved["dataset"]["inner"]["count"] == 4
    assert resolved["dataset"]["inner"]["inner"]["direction"] == "AtoB"
    record = load_checkpoint("run")
    assert set(record.networks) == {"generator", "teacher"}
    assert record.networks["teacher"]["layers.0.weight"].shape[0] == 8
    found = {(c["kind"], c["name"]): c["distribution"] for c in record.components}
    assert found["dataset", "first"] == "itrans-acme"
    assert found["dataset", "aligned"] == found["loss", "l1"] == "itrans"
    assert itrans("run", nested, "-o", "run", "--resume", "--set", "train.steps=3").exit_code == 0
    assert itrans("translate", "run", aligned / "val", "-o", "out").exit_code == 0
    assert itrans("evaluate", "run", "--split", "val").exit_code == 0
    shown = itrans("inspect", "run")
    assert shown.exit_code == 0, shown.output


def test_every_fault_is_told_with_its_line_and_its_key(nested, tmp_path):
    text = (
        nested.read_text()
        .replace("width = 8", "widht = 8\nin_channels = 3")
        .replace('name = "aligned"', 'name = "alinged"')
    )
    nested.write_text(text.replace('[[method.terms]]\nname = "l1"', '[[method.terms]]\nname = "l11"'))
    lines = nested.read_text().splitlines()
    found = problems(nested)
    assert len(found) == 4
    for key, text, hint in (
        ("dataset.inner.inner.name", 'name = "alinged"', '"aligned"'),
        ("method.teacher.widht", "widht = 8", '"width"'),
        ("method.teacher.in_channels", "in_channels = 3", "by itrans"),
        ("method.terms.0.name", 'name = "l11"', '"l1"'),
    ):
        (problem,) = [one for one in found if f"  {key}\n" in one]
        assert problem.startswith(f"{nested}:{lines.index(text) + 1}  ")
        assert hint in problem


@pytest.mark.parametrize(
    ("value", "key", "words"),
    [
        ('method.teacher="flat"', "method.teacher", "table with the name of a generator"),
        ("method.teacher={width = 3}", "method.teacher", '"name" is missing'),
        ("method.terms={name = 'l1'}", "method.terms", "[[method.terms]]"),
        ("method.terms=[3]", "method.terms.0", '"name" is missing'),
        ("method.teacher.width='wide'", "method.teacher.width", "should be int"),
        ("method.teecher={name = 'flat'}", "method.teecher", 'Did you mean "teacher"'),
    ],
)
def test_what_is_no_component_is_refused(nested, value, key, words):
    found = problems(nested, overrides=[value])
    assert any(f"  {key}\n" in one and words in one for one in found), found


def test_a_missing_one_is_told_with_the_arguments(nested):
    nested.write_text(nested.read_text().replace('[method.teacher]\nname = "flat"\nwidth = 8\n', ""))
    (problem,) = problems(nested)
    assert 'needs "teacher"' in problem
    assert "teacher (table of a generator)" in problem
    assert "spare (table of a generator = none)" in problem
    assert "terms (list of table of a loss = [])" in problem


def test_set_extends_and_sample_reach_into_them(nested, tmp_path):
    above = tmp_path / "above.toml"
    above.write_text('extends = "nested.toml"\n[method.teacher]\nwidth = 5\n')
    assert load_recipe(above).resolved["method"]["teacher"] == {"name": "flat", "width": 5}
    above.write_text('extends = "nested.toml"\n[method.teacher]\nname = "unet"\ndepth = 3\n')
    assert "width" not in load_recipe(above).resolved["method"]["teacher"]
    overridden = load_recipe(above, overrides=["method.teacher.depth=2", "method.spare.name=flat"]).resolved["method"]
    assert overridden["teacher"]["depth"] == 2
    assert overridden["spare"] == {"name": "flat", "width": 4}
    above.write_text(
        'extends = "nested.toml"\n[sample.method.teacher]\nwidth = 3\nwidht = 2\n'
        '[sample.dataset]\nname = "first"\n[sample.dataset.inner]\nname = "facades_sample"\n'
    )
    (problem,) = problems(above, sample=True)
    assert problem.startswith(f"{above}:4  sample.method.teacher.widht\n")
    above.write_text(above.read_text().replace("widht = 2\n", ""))
    loaded = load_recipe(above, sample=True)
    assert loaded.resolved["method"]["teacher"]["width"] == 3
    assert loaded.resolved["dataset"]["inner"]["name"] == "facades_sample"


def test_the_folder_of_a_wrapped_data_set_is_looked_for_before_training(nested, itrans):
    nested.write_text(nested.read_text() + '\n[sample.dataset]\nname = "facades_sample"\nsize = 32\n')
    done = itrans("run", nested, "-o", "run", "--no-sample", "--set", "dataset.inner.inner.root=missing")
    assert done.exit_code == 2
    assert "dataset.inner.inner.root" in done.output
    nested.write_text(nested.read_text().replace("/aligned", "/missing"))
    assert load_recipe(nested).is_sample


def test_builders_are_pickled_and_hand_down_the_split(nested, itrans):
    recipe = load_recipe(nested)
    for split, count in (("train", 3), ("val", 3)):
        dataset = recipe.build("dataset", split=split)
        assert len(dataset) == count
        again = pickle.loads(pickle.dumps(dataset))
        assert again[1].key == dataset[1].key
        assert again.make.name == "first"
        assert len(again.make()) == len(dataset.make())
    assert itrans("run", nested, "-o", "run", "--set", "train.workers=1").exit_code == 0


def test_a_lost_package_is_named_and_the_recorded_one_used(nested, itrans, install, tmp_path, aligned):
    assert itrans("run", nested, "-o", "run").exit_code == 0
    again = "[itrans.generators]\nflat = itrans_other:Flat\n"
    install("itrans-other", "1.0", again, itrans_other="class Flat: pass")
    assert itrans("translate", "run", aligned / "val", "-o", "out").exit_code == 0
    path = tmp_path / "run" / "checkpoints" / "last.pt"
    record = torch.load(path, weights_only=True)
    record["recipe"]["method"]["teacher"]["name"] = "lost"
    record["components"].append({"kind": "generator", "name": "lost", "distribution": "itrans-lost", "version": "2.0"})
    torch.save(record, path)
    done = itrans("translate", path, aligned / "val", "-o", "out2")
    assert done.exit_code == 2
    assert "pip install itrans-lost" in done.output
    assert "method.teacher" in done.output


def test_a_teacher_is_offered_whether_weights_follow(nested):
    method = load_recipe(nested).build(
        "method",
        build_generator=lambda *_: None,
        build_discriminator=None,
        losses=[object()],
        source=type("Spec", (), {"planes": 3}),
        target=type("Spec", (), {"planes": 3}),
        initialize=False,
    )
    assert method.networks["teacher"].initialized is False


def test_the_kind_may_be_a_text_and_has_to_be_one():
    from itrans.api import Component

    assert "generator" in repr(Component["generator"])
    with pytest.raises(TypeError, match="dataset"):
        Component["painter"]
