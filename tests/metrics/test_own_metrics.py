"""Metrics of one's own: what a recipe names decides which checkpoint is the best, is logged and is evaluated."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from cli.printed import json_of
from docs.pages import wanted

from itrans.api import DATASETS, METRICS, ImageSpec, PluginError
from itrans.checkpoint.file import load_checkpoint
from itrans.metrics.measuring import count, meters_for

CPU = torch.device("cpu")
EXAMPLES = {block.name: block.text for block in wanted("python", files=True) if block.page.name == "metric.md"}


@pytest.fixture(autouse=True)
def only_here():
    yield
    for name in ("kelvin", "dice", "steps", "broken"):
        METRICS.unregister(name)


@pytest.fixture
def kelvin(tmp_path):
    (tmp_path / "kelvin.py").write_text(EXAMPLES["kelvin.py"])
    return "kelvin.py"


def validations(folder):
    lines = map(json.loads, Path(folder, "log.jsonl").read_text().splitlines())
    return [line for line in lines if line["event"] == "validation"]


def test_a_metric_of_a_file_decides_and_is_logged_and_evaluated(itrans, recipe, kelvin):
    done = itrans("run", recipe, "-o", "run", "--code", kelvin, "--set", "validation.metric=kelvin")
    assert done.exit_code == 0, done.output
    assert "kelvin" in done.stdout
    last = validations("run")[-1]["metrics"]
    assert list(last) == ["l1", "psnr", "ssim", "kelvin", "source_l1"]
    assert last["kelvin"] == pytest.approx(255 * last["l1"], rel=1e-5)  # the range of uint8
    progress = load_checkpoint(Path("run/checkpoints/best.pt")).progress
    assert progress.best == min(line["metrics"]["kelvin"] for line in validations("run"))
    options = ["--split", "val", "--json", "-o", "out"]
    found = json_of(itrans("evaluate", "run/checkpoints/last.pt", "--metrics", "kelvin,l1", *options))
    assert found["scores"]["kelvin"]["value"] == last["kelvin"]
    assert found["ranked_by"] == "kelvin"
    assert Path("out/pictures.csv").read_text().startswith("key,kelvin,l1,source_l1\n")


def test_a_metric_of_an_installed_package_decides_upwards(itrans, recipe, install):
    source = """
        class Steps:
            lower_is_better = False
            kept = 0

            def measure(self, outputs, targets):
                Steps.kept += 1
                return outputs.new_full((len(outputs),), float(Steps.kept))
        """
    install("itrans-steps", "1", "[itrans.metrics]\nsteps = itrans_steps:Steps\n", itrans_steps=source)
    done = itrans("run", recipe, "-o", "run", "--set", "validation.metric=itrans-steps:steps")
    assert done.exit_code == 0, done.output
    assert [line["better"] for line in validations("run")] == [True, True]
    assert next(
        [row["kind"], row["name"], row["distribution"]]
        for row in json.loads(itrans("list-plugins", "metric", "--json").stdout)
        if row["name"] == "steps"
    ) == ["metric", "steps", "itrans-steps"]


def test_a_checkpoint_is_of_use_without_the_metric_that_chose_it(itrans, recipe, kelvin, aligned):
    itrans("run", recipe, "-o", "run", "--code", kelvin, "--set", "validation.metric=kelvin")
    METRICS.unregister("kelvin")
    assert itrans("evaluate", "run", "--split", "val").exit_code == 0
    assert itrans("translate", "run", aligned / "val", "-o", "out").exit_code == 0


def test_what_is_measured_besides_does_not_decide(itrans, recipe, kelvin):
    itrans("run", recipe, "-o", "plain")
    done = itrans("run", recipe, "-o", "run", "--code", kelvin, "--set", 'validation.metrics=["kelvin", "psnr"]')
    assert done.exit_code == 0, done.output
    more, usual = (validations(folder)[-1]["metrics"] for folder in ("run", "plain"))
    assert more.pop("kelvin") > 0
    assert more == usual
    records = [load_checkpoint(Path(folder, "checkpoints/best.pt")) for folder in ("run", "plain")]
    assert records[0].progress.best == records[1].progress.best
    assert "metrics" not in records[1].recipe["validation"]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("validation.metric=kelvn", 'There is no metric "kelvn". Did you mean "kelvin"'),
        ('validation.metrics=["l1", "kelvn"]', 'There is no metric "kelvn"'),
        ("validation.metric=class_iou", 'metric "class_iou" cannot be measured here'),
    ],
)
def test_what_cannot_be_measured_is_an_error_before_training(itrans, recipe, kelvin, setting, said):
    done = itrans("run", recipe, "-o", "run", "--code", kelvin, "--set", setting)
    assert done.exit_code == 2
    assert said in done.output
    assert "step " not in done.stdout
    assert "Traceback" not in done.output


def test_a_mistyped_name_has_its_line(itrans, recipe):
    recipe.write_text(recipe.read_text() + '\n[validation]\nmetric = "psn"\n')
    done = itrans("run", recipe, "--check")
    assert done.exit_code == 2
    line = recipe.read_text().splitlines().index('metric = "psn"') + 1
    assert f"{recipe}:{line}  validation.metric" in done.stderr
    assert 'Did you mean "psnr"' in done.stderr


@pytest.mark.parametrize("body", ["return 1.0", "return outputs.mean()", "return outputs.mean((2, 3))", "return 1 / 0"])
def test_a_metric_that_fails_is_named(body):
    space = {}
    exec(
        f"class Broken:\n    lower_is_better = True\n    def measure(self, outputs, targets):\n        {body}\n", space
    )
    METRICS.register("broken")(space["Broken"])
    meters = meters_for(["broken"], ImageSpec(3), ImageSpec(3), CPU)
    picture = torch.zeros(2, 3, 8, 8)
    with pytest.raises(PluginError, match='metric "broken" has failed'):
        count(meters, picture, picture, picture, ImageSpec(3))


def test_a_second_l1_changes_nothing_of_what_recipes_measure_unasked(itrans, recipe, install):
    install("other", "1", "[itrans.metrics]\nl1 = nowhere:Nothing\n")
    done = itrans("run", recipe, "-o", "run")
    assert done.exit_code == 0, done.output
    assert list(validations("run")[-1]["metrics"]) == ["l1", "psnr", "ssim", "source_l1"]


LABELS = """
import numpy as np
from itrans.api import DATASETS, ImageSpec, Pair

@DATASETS.register("stripes", replace=True)
class Stripes:
    source, target = ImageSpec(1), ImageSpec(1, "labels", 3, ignored=9)

    def __init__(self, *, split: str) -> None:
        pass

    def __len__(self):
        return 4

    def __getitem__(self, index):
        classes = np.repeat((np.arange(24)[None, :, None] // 8 + index) % 3, 24, axis=0).astype(np.uint8)
        photo = classes * 100
        classes[:4] = 9
        return Pair(photo, classes, str(index))
"""


def test_dice_of_label_maps(itrans, tmp_path):
    (tmp_path / "dice.py").write_text(EXAMPLES["dice.py"])
    (tmp_path / "stripes.py").write_text(LABELS)
    (tmp_path / "r.toml").write_text(
        '[dataset]\nname = "stripes"\n[generator]\nname = "unet"\ndepth = 2\nfilters = 4\n[[loss]]\nname = "l1"\n'
        '[train]\nsteps = 1\nbatch_size = 3\nprecision = "fp32"\n[validation]\nmetric = "dice"\n[augment]\nsize = 24\n'
    )
    try:
        done = itrans("run", "r.toml", "-o", "run", "--code", "dice.py", "--code", "stripes.py")
        assert done.exit_code == 0, done.output
        dice = validations("run")[-1]["metrics"]["dice"]
        found = json_of(itrans("evaluate", "run", "--metrics", "dice", "--json"))
    finally:
        DATASETS.unregister("stripes")
    assert found["scores"]["dice"] == {"value": dice, "pictures": 4, "deviation": None}
    matrix = np.array(found["confusion"])
    assert matrix.sum() == 4 * 20 * 24  # the rest has no class
    assert dice == pytest.approx((2 * matrix.diagonal() / (matrix.sum(0) + matrix.sum(1))).mean())


class Sound:
    """A metric that the ones below spoil in one way each."""

    lower_is_better = True

    def measure(self, outputs, targets):
        return (outputs - targets).abs().mean((1, 2, 3))


class Exits(Sound):
    def measure(self, outputs, targets):
        raise SystemExit(0)


class Changes(Sound):
    def measure(self, outputs, targets):
        return super().measure(outputs.mul_(0), targets)


class Uneven(Sound):
    calls = 1

    def measure(self, outputs, targets):
        self.calls += 1
        return torch.ones(len(outputs), self.calls)

    def value(self, total):
        return float(total.sum())


FAULTY = [
    (Exits, {}, "SystemExit"),
    (Changes, {}, "changes them"),
    (Uneven, {}, "has failed"),
    (Sound, {"smallest": "11"}, "the smallest size '11'"),
    (Sound, {"kinds": "image"}, "should be a tuple"),
    (Sound, {"measure": None}, "has no measure"),
    (Sound, {"lower_is_better": None}, "which way is better"),
]


@pytest.mark.parametrize(("component", "attributes", "said"), FAULTY)
def test_a_faulty_metric_is_named_and_loses_nothing(itrans, recipe, component, attributes, said):
    METRICS.register("broken", replace=True)(type("Broken", (component,), attributes))
    done = itrans("run", recipe, "-o", "run", "--set", "validation.metric=broken")
    assert done.exit_code == 2, done.output
    assert 'The metric "broken"' in done.stderr
    assert said in done.stderr
    assert Path("run/checkpoints/last.pt").is_file() == (not attributes)  # what can be told at once, is told at once


def test_what_a_metric_draws_is_the_same_whatever_is_measured_besides():
    class Random(Sound):
        def measure(self, outputs, targets):
            return torch.rand(len(outputs))

    METRICS.register("steps", replace=True)(Random)
    spec, pictures = ImageSpec(3), torch.zeros(2, 3, 16, 16)
    found = []
    for names in (["steps"], ["l1", "steps", "ssim"]):
        meters = {meter.name: meter for meter in meters_for(names, spec, spec, CPU)}
        before = torch.get_rng_state()
        count([*meters.values()], pictures, pictures, pictures, spec)
        assert torch.equal(before, torch.get_rng_state())
        found.append(meters["steps"].result())
    assert found[0] == found[1]


def test_half_precision_does_not_overflow():
    class Half(Sound):
        def measure(self, outputs, targets):
            return torch.full((len(outputs),), 60000.0, dtype=torch.float16)

    METRICS.register("steps", replace=True)(Half)
    spec, pictures = ImageSpec(3), torch.zeros(4, 3, 8, 8)
    (meter,) = meters_for(["steps"], spec, spec, CPU)
    count([meter], pictures, pictures, pictures, spec)
    assert meter.result() == pytest.approx(60000, rel=1e-3)
