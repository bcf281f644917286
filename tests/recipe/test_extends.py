"""Recipes laid over other recipes."""

from __future__ import annotations

import pytest

from itrans.errors import RecipeError
from itrans.recipe.load import load_recipe

BASE = """\
title = "base"
[dataset]
name = "aligned"
root = "somewhere"
[generator]
name = "unet"
depth = 5
filters = 8
[discriminator]
name = "patchgan"
[[loss]]
name = "cgan"
[[loss]]
name = "l1"
weight = 100.0
[train]
epochs = 4
batch_size = 2
"""


@pytest.fixture
def write(tmp_path):
    (tmp_path / "base.toml").write_text(BASE)

    def make(text, name="mine.toml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return make


def faults(path, **options):
    with pytest.raises(RecipeError) as caught:
        load_recipe(path, **options)
    return caught.value.problems


def test_what_is_not_said_is_the_base_s(write):
    tables = load_recipe(write('extends = "base.toml"\n[generator]\ndepth = 6\n')).tables
    assert (tables.title, tables.train.epochs) == ("base", 4)
    assert tables.generator.arguments["depth"] == 6
    assert tables.generator.arguments["filters"] == 8


def test_another_component_starts_anew_and_lists_replace(write):
    text = 'extends = "base.toml"\nwithout = ["discriminator"]\n[generator]\nname = "encoder_decoder"\n'
    tables = load_recipe(write(text + '[[loss]]\nname = "l2"\n')).tables
    assert tables.discriminator is None
    assert tables.generator.arguments["depth"] == 8
    assert [loss.name for loss in tables.loss] == ["l2"]


def test_steps_take_the_place_of_epochs(write):
    train = load_recipe(write('extends = "base.toml"\n[train]\nsteps = 7\n')).tables.train
    assert (train.steps, train.epochs, train.batch_size) == (7, None, 2)


def test_what_is_extended_need_not_be_whole(write):
    write('[generator]\nname = "unet"\n[[loss]]\nname = "l1"\n', "part.toml")
    path = write('extends = "part.toml"\n[dataset]\nname = "aligned"\nroot = "somewhere"\n[train]\nepochs = 1\n')
    assert load_recipe(path).tables.generator.name == "unet"


def test_over_several_files_and_folders(write):
    write('extends = "../base.toml"\nseed = 5\n[train]\nepochs = 9\n', "inner/middle.toml")
    tables = load_recipe(write('extends = "inner/middle.toml"\ntitle = "top"\n')).tables
    assert (tables.title, tables.seed, tables.train.epochs) == ("top", 5, 9)


def test_samples_are_laid_over_one_another(write):
    write(
        'extends = "base.toml"\n[sample]\ndataset = { name = "aligned", root = "." }\ntrain = { steps = 3 }\n', "s.toml"
    )
    recipe = load_recipe(write('extends = "s.toml"\n[sample]\ngenerator = { depth = 3 }\n'))
    assert recipe.is_sample
    assert (recipe.tables.train.steps, recipe.tables.generator.arguments["depth"]) == (3, 3)
    assert recipe.tables.dataset.arguments["root"] == "."


def test_a_sample_s_data_set_has_nothing_of_the_missing_one(write):
    text = (
        'extends = "base.toml"\n[dataset]\ndirection = "BtoA"\n[sample]\ndataset = { name = "aligned", root = "." }\n'
    )
    assert load_recipe(write(text)).tables.dataset.arguments["direction"] == "AtoB"


def test_errors_name_the_file_that_a_value_stands_in(write, tmp_path):
    write(BASE.replace("depth = 5", 'depth = "deep"'), "base.toml")
    path = write('extends = "base.toml"\n[generator]\nfilter = 3\n[sample]\ntrain = { step = 1 }\n')
    found = {problem.key: problem.where for problem in faults(path, sample=False)}
    assert found == {"generator.filter": f"{path}:3", "generator.depth": f"{tmp_path / 'base.toml'}:7"}
    assert f"{path}:5" in {problem.where for problem in faults(path)}


def test_a_value_replaced_twice_stands_in_the_last_file(write):
    write('extends = "base.toml"\n[generator]\ndepth = 6\n', "middle.toml")
    path = write('extends = "middle.toml"\n[generator]\nname = "encoder_decoder"\ndepth = "deep"\n')
    (problem,) = faults(path)
    assert (problem.key, problem.where) == ("generator.depth", f"{path}:4")


def test_a_table_left_out_is_missing_in_the_recipe_that_leaves_it_out(write):
    path = write('extends = "base.toml"\nwithout = ["generator"]\n')
    (problem,) = faults(path)
    assert (problem.key, problem.where) == ("generator", str(path))


def test_a_table_left_out_can_be_written_anew(write):
    text = 'extends = "base.toml"\nwithout = ["generator"]\n[generator]\nname = "unet"\nfilters = 4\n'
    arguments = load_recipe(write(text)).tables.generator.arguments
    assert (arguments["filters"], arguments["depth"]) == (4, 8)


def test_the_sample_can_be_left_out(write):
    write('extends = "base.toml"\n[sample]\ndataset = { name = "aligned", root = "." }\n', "s.toml")
    assert load_recipe(write('extends = "s.toml"\n')).is_sample
    assert not load_recipe(write('extends = "s.toml"\nwithout = ["sample"]\n')).is_sample


def test_set_wins_over_all(write):
    path = write('extends = "base.toml"\n[generator]\ndepth = 6\n')
    assert load_recipe(path, overrides=["generator.depth=4"]).tables.generator.arguments["depth"] == 4


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        ('extends = "gone.toml"\n', "extends", "There is no such file"),
        ("extends = 3\n", "extends", "path of a recipe"),
        ('extends = "mine.toml"\n', "extends", "in a circle"),
        ('extends = "base.toml"\nwithout = "discriminator"\n', "without", "list of tables"),
        ('extends = "base.toml"\nwithout = ["discriminater"]\n', "without", 'Did you mean "discriminator"'),
        ('without = ["discriminator"]\n', "without", "extends no other"),
    ],
)
def test_what_cannot_be_extended(write, text, key, message):
    (problem,) = faults(write(text))
    assert problem.key == key
    assert message in problem.message
    assert ":1" in problem.where or ":2" in problem.where


def test_a_circle_of_two_names_both(write):
    write('extends = "mine.toml"\n', "other.toml")
    (problem,) = faults(write('extends = "other.toml"\n'))
    assert "mine.toml" in problem.message
    assert "other.toml" in problem.message
    assert problem.where.endswith("other.toml:1")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('extend = "base.toml"', 'A recipe has no key "extend". Did you mean "extends"?'),
        ('withot = ["discriminator"]', 'A recipe has no key "withot". Did you mean "without"?'),
        ("sampel = { train = { epochs = 1 } }", 'A recipe has no table "sampel". Did you mean "sample"?'),
    ],
)
def test_a_mistyped_name_of_a_file_s_own_keys_is_known(write, line, said):
    [problem] = [problem for problem in faults(write(line + "\n" + BASE)) if problem.where.endswith("mine.toml:1")]
    assert said in problem.message
    assert {"extends", "without", "sample"} <= set(problem.message.rpartition("It takes: ")[2].split(", "))


def test_a_file_s_own_keys_are_neither_a_sample_s_nor_an_option_s(write):
    path = write(BASE.replace("somewhere", "nowhere") + '[sample]\nwithout = ["discriminator"]\nseeds = 3\n')
    messages = {problem.key: problem.message for problem in faults(path)}
    assert messages["sample.without"].startswith('"without" belongs at the top of a recipe\'s file')
    assert "extends" not in messages["sample.seeds"]
    [problem] = faults(write(BASE), overrides=["extends=base.toml"], sample=False)
    assert problem.message.startswith('"extends" belongs at the top')


def test_a_mistyped_extends_is_the_only_fault_that_is_told(write):
    [problem] = faults(write('extend = "base.toml"\n[generator]\ndepth = 6\n'))
    assert (problem.key, problem.where.rpartition(":")[2]) == ("extend", "1")
    assert 'Did you mean "extends"?' in problem.message


def test_keys_of_two_files_that_do_not_go_together_are_told_with_their_places(write):
    write(BASE.replace("[generator]", "[augment]\nresize = 286\ncrop = 256\n[generator]"), "base.toml")
    [problem] = faults(write('extends = "base.toml"\n[augment]\nsize = 128\n'))
    assert problem.where.endswith("mine.toml:3")
    assert "base.toml:6" in problem.message
    assert 'without = ["augment"]' in problem.message


def test_a_loss_in_single_brackets_is_told_how_losses_are_written(write):
    [problem] = faults(write('extends = "base.toml"\n[loss]\nname = "l1"\n'))
    assert "write [[loss]], with two brackets" in problem.message


def test_what_can_be_left_out_is_listed(write):
    [problem] = faults(write('extends = "base.toml"\nwithout = ["schedule", "generatr"]\n'))
    assert 'has no "schedule", "generatr"' in problem.message
    assert problem.message.endswith("It has: title, dataset, generator, discriminator, loss, train")


def test_a_discriminator_without_a_loss_is_told_how_to_leave_it_out(write):
    [problem] = faults(write('extends = "base.toml"\n[[loss]]\nname = "l1"\n'))
    assert 'without = ["discriminator"]' in problem.message


FALLING = '[schedule]\nname = "linear"\ndecay_epochs = 3\n'


@pytest.mark.parametrize(
    ("base", "top", "overrides", "place", "key"),
    [
        (BASE, FALLING, ["train.epochs=2"], "--set train.epochs=2", "train.epochs"),
        (BASE, FALLING, ["schedule.decay_epochs=9"], "--set schedule.decay_epochs=9", "schedule.decay_epochs"),
        (BASE + FALLING, "[train]\nepochs = 2\n", [], "mine.toml:3", "train.epochs"),
        (BASE, FALLING.replace("3", "5"), [], "mine.toml:4", "schedule.decay_epochs"),
        (BASE, FALLING + "[sample]\ntrain = { epochs = 2 }\n", [], "mine.toml:6", "sample.train.epochs"),
        (BASE + FALLING.replace("3", "5"), "", [], "base.toml:21", "schedule.decay_epochs"),
    ],
)
def test_values_of_two_tables_that_do_not_go_together_are_told_with_their_places(
    write, base, top, overrides, place, key
):
    write(base, "base.toml")
    path = write('extends = "base.toml"\n' + top)
    [problem] = faults(path, overrides=overrides, sample="[sample]" in top)
    assert (problem.where.endswith(place), problem.key) == (True, key)
    assert "schedule.decay_epochs" in problem.message
    assert "train.epochs" in problem.message


def test_a_chain_too_long_is_refused(write):
    for number in range(30):
        write(f'extends = "{number + 1}.toml"\n', f"{number}.toml")
    (problem,) = faults(write(BASE, "30.toml").parent / "0.toml")
    assert problem.key == "extends"


def test_the_home_folder_is_known(write, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_recipe(write('extends = "~/base.toml"\n')).tables.title == "base"
