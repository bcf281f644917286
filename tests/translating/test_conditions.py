"""Options and extras of translating, from Python and on the command line, for a method that nobody here wrote."""

from __future__ import annotations

import json

import conditional
import cv2
import numpy as np
import pytest
import tomli_w
import torch

from itrans.api import DATASETS, DataError, ItransError, PluginError, load, read_image, train
from itrans.commands import load_checkpoint, save_checkpoint

CODE = "import conditional\nconditional.register()\n"


def picture(seed, height=20, width=28, channels=3):
    return np.random.default_rng(seed).integers(0, 255, (height, width, channels), np.uint8)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    conditional.register()
    yield train(conditional.RECIPE, output=tmp_path_factory.mktemp("conditional") / "run", progress=False).folder
    conditional.unregister()


@pytest.fixture
def translator(run):
    return load(run, precision="fp32")


@pytest.fixture
def given():
    return {"colour": "green", "mask": picture(9, channels=1)}


def test_the_method_is_offered_the_extras_and_the_checkpoint_remembers_them(run, translator):
    record = load_checkpoint(run)
    assert translator.method.offered == record.extras == conditional.Coloured(split="train").extras
    assert translator.accepted.options == {"gain": 1.0, "finish": "matt"}
    assert list(translator.accepted.extras) == ["colour", "mask", "style"]
    assert translator.accepted.required == {"colour", "mask"}


def test_a_file_without_extras_has_no_word_of_them(run, tmp_path):
    record = load_checkpoint(run)
    record.extras = {}
    save_checkpoint(tmp_path / "plain.pt", record)
    assert "extras" not in torch.load(tmp_path / "plain.pt", weights_only=True)
    assert "aligned" not in torch.load(tmp_path / "plain.pt", weights_only=True)["source"]
    with pytest.raises(PluginError, match='needs the extra "colour"'):
        load(tmp_path / "plain.pt")


def test_options_and_extras_change_what_is_made(translator, given):
    plain = translator.translate(picture(0), **given)
    negative = translator.translate(picture(0), **given, finish="gloss")
    assert np.abs(plain.astype(int) + negative - 255).max() <= 1
    assert (translator.translate(picture(0), **given, gain=0.0) == 128).all()
    assert not np.array_equal(plain, translator.translate(picture(0), **{**given, "colour": "red"}))
    assert np.array_equal(plain, translator.translate(picture(0), **{**given, "colour": 1}))
    assert not np.array_equal(plain, translator.translate(picture(0), **given, style=picture(3, 5, 7)))


def test_a_picture_has_the_same_output_in_any_company_and_in_tiles(translator):
    images = [picture(seed) for seed in range(4)]
    masks = [picture(10 + seed, channels=1) for seed in range(4)]
    styles = [picture(20 + seed, 12, 9) for seed in range(4)]
    colours = ["red", "blue", "green", "red"]
    together = translator.translate_batch(images, colour=colours, mask=masks, style=styles, seed=[3, 4, 5, 6])
    for place, (image, mask, style, colour) in enumerate(zip(images, masks, styles, colours, strict=True)):
        alone = translator.translate(image, colour=colour, mask=mask, style=style, seed=3 + place)
        assert np.array_equal(alone, together[place])
    samples = translator.samples(images[0], 3, seed=3, colour="red", mask=masks[0])
    assert np.array_equal(samples[1], translator.translate(images[0], seed=4, colour="red", mask=masks[0]))


def test_tiles_have_their_part_of_the_extras_that_show_the_same_place(translator):
    image, mask = picture(1, 70, 90), picture(2, 70, 90, 1)
    # without the noise, a convolution makes the same of tiles as of the whole where they overlap by more than it sees
    translator.generator.noise.register_forward_hook(lambda *_: torch.zeros(()))
    whole = translator.translate(image, colour="red", mask=mask)
    tiled = translator.translate(image, colour="red", mask=mask, tile=32, overlap=16)
    assert np.abs(whole.astype(int) - tiled).max() <= 1
    with pytest.raises(DataError, match='its extra "mask" 20x20'):
        translator.translate(image, colour="red", mask=picture(2, 20, 20, 1), tile=32)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"colour": "grin"}, 'no "grin". Did you mean "green"? There are red, green, blue'),
        ({"colour": 3}, "from 0 to 2"),
        ({"mask": picture(0, 9, 9, 1)}, 'The picture is 28x20 and its extra "mask" 9x9'),
        ({"mask": picture(0, channels=3)}, 'extra "mask"'),
        ({"mask": None}, 'needs the extra "mask"'),
        ({"gain": -1.0}, '"gain" is -1.0'),
        ({"finish": "satin"}, '"finish" is "satin"'),
        ({"gain": float("nan")}, '"gain" is nan'),
        ({"gain": float("inf")}, '"gain" is inf'),
        ({"gein": 1.0}, 'takes no "gein". Did you mean "gain"?'),
        ({"colour": ["red", "blue"]}, "There are 2 of the extra"),
    ],
)
def test_what_is_given_wrongly_is_named(translator, given, wrong, told):
    with pytest.raises(ItransError) as caught:
        translator.translate(picture(0), **{**given, **wrong})
    assert told in str(caught.value)


def test_directions_may_be_a_table_of_sides(translator, given):
    assert translator.directions == ("paint", "repaint")
    assert translator.specs("repaint") == (translator.target, translator.target)
    assert translator.goes_back("repaint")
    assert not translator.goes_back("paint")
    first, second = (translator.translate(picture(0), **given, direction=way) for way in translator.directions)
    assert np.array_equal(first, second)
    with pytest.raises(DataError, match='no direction "pain"'):
        translator.translate(picture(0), **given, direction="pain")


def test_a_data_set_without_what_the_method_needs_is_refused_before_anything_is_trained(tmp_path, run):
    class Bare(conditional.Coloured):
        def __init__(self, *, split):
            super().__init__(split=split)
            self.extras = {}

    DATASETS.register("bare", replace=True)(Bare)
    try:
        with pytest.raises(PluginError, match='needs the extra "colour" of every pair.*have none'):
            train({**conditional.RECIPE, "dataset": {"name": "bare"}}, output=tmp_path / "bare", progress=False)
    finally:
        DATASETS.unregister("bare")


@pytest.fixture
def folder(tmp_path):
    for name, (height, width) in {"a": (20, 28), "b": (20, 28), "c": (33, 40)}.items():
        for kind, image in {
            "in": picture(ord(name), height, width),
            "masks": picture(ord(name) + 1, height, width, 1),
            "styles": picture(ord(name) + 2, 12, width),
        }.items():
            (tmp_path / kind).mkdir(exist_ok=True)
            cv2.imwrite(str(tmp_path / kind / f"{name}.png"), image[..., ::-1])
    return tmp_path


def test_the_command_line_gives_them_by_name_and_folders_by_the_names_of_pictures(itrans, run, folder, translator):
    done = itrans(
        *("translate", run, "in", "-o", "out", "--with", "colour=blue", "--with", "mask=masks"),
        *("--with", "style=styles", "--option", "gain=0.5", "--option", "finish=gloss", "--precision", "fp32"),
    )
    assert done.exit_code == 0, done.output
    for name in "abc":
        more = {"mask": read_image(f"masks/{name}.png"), "style": read_image(f"styles/{name}.png")}
        expected = translator.translate(read_image(f"in/{name}.png"), colour="blue", gain=0.5, finish="gloss", **more)
        assert np.array_equal(read_image(f"out/{name}.png"), expected)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "--with colour=red|green|blue --with mask=FOLDER|FILE"),
        (["--with", "colour=grin", "--with", "mask=masks"], 'no "grin"'),
        (["--with", "colour=red", "--with", "mask=nowhere"], "--with mask=nowhere: there is no such file or folder"),
        (["--with", "colour=red", "--with", "mask"], "--with mask: this should read NAME=VALUE"),
        (["--option", "colour=red"], "--option colour: it is given with --with"),
        (["--with", "gain=1"], "--with gain: it is given with --option"),
        (["--option", "gain=1", "--option", "gain=2"], "gain is given twice"),
        (["--option", "steps=20"], 'takes no "steps".'),
        (["--option", "steps=20"], 'It takes the options gain (number = 1.0), finish ("matt" | "gloss" = "matt")'),
        (["--with", "colour=red", "--with", "mask=masks/a.png"], 'is 40x33 and its extra "mask" 28x20'),
    ],
)
def test_what_is_wrong_on_the_command_line_is_told_in_a_sentence(itrans, run, folder, arguments, told):
    done = itrans("translate", run, "in", "-o", "out", *arguments)
    assert told in done.output
    assert done.exit_code == 2
    assert "Traceback" not in done.output


def test_a_picture_without_its_file_is_skipped_and_named(itrans, run, folder):
    (folder / "masks" / "b.png").unlink()
    done = itrans("translate", run, "in", "-o", "out", "--with", "colour=red", "--with", "mask=masks")
    assert done.exit_code == 2
    assert "2 of 3 pictures translated" in done.output
    assert "in/b.png has no mask in masks" in done.output


def test_evaluate_takes_options_and_the_data_sets_extras(itrans, run):
    one, other = (
        json.loads(itrans("evaluate", run, "--split", "val", "--json", "--option", f"gain={gain}").output)
        for gain in (1.0, 0.0)
    )
    assert one["options"] == {"gain": 1.0}
    assert one["scores"]["l1"]["value"] != other["scores"]["l1"]["value"]
    logged = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert (
        one["scores"]["l1"]["value"] == [line["metrics"]["l1"] for line in logged if line["event"] == "validation"][-1]
    )
    wrong = itrans("evaluate", run, "--option", "gein=1")
    assert wrong.exit_code == 2
    assert 'takes no "gein"' in wrong.output


def test_the_last_line_of_a_run_names_what_translating_needs(itrans, tmp_path):
    (tmp_path / "code.py").write_text(CODE)
    (tmp_path / "recipe.toml").write_text(tomli_w.dumps(conditional.RECIPE))
    done = itrans("run", "recipe.toml", "-o", "out", "--code", "code.py")
    assert done.exit_code == 0, done.output
    [line] = [line for line in done.output.splitlines() if line.startswith("Translate with it:")]
    assert line.endswith("PICTURES -o DIR --with colour=red|green|blue --with mask=FOLDER|FILE")
