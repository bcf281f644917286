from __future__ import annotations

import pytest

from itrans.errors import RecipeError
from itrans.recipe.load import load_recipe

GOOD = """\
[dataset]
name = "aligned"
root = "data"

[generator]
name = "unet"
depth = 3

[[loss]]
name = "l1"

[train]
epochs = 2
"""

SAMPLE = """
[sample]
dataset = { name = "openmoji", size = 32 }
generator = { depth = 5 }
train = { steps = 7 }
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(text, name="mine.toml"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return name

    return write


def problems(path, *overrides):
    with pytest.raises(RecipeError) as caught:
        load_recipe(path, overrides=overrides)
    return {problem.key: problem for problem in caught.value.problems}


def test_the_papers_recipe_is_good_and_says_the_papers_numbers():
    tables = load_recipe("recipes/pix2pix_edges2shoes.toml", sample=False).tables
    assert tables.generator.arguments["depth"] == 8
    assert tables.generator.arguments["filters"] == 64
    assert tables.discriminator.arguments["patch"] == 70
    assert [(loss.name, loss.weight) for loss in tables.loss] == [("cgan", 1.0), ("l1", 100.0)]
    assert (tables.optimizer.lr, tables.optimizer.betas) == (2e-4, (0.5, 0.999))
    assert (tables.train.batch_size, tables.train.epochs) == (4, 15)
    assert (tables.augment.size, tables.augment.mirror) == (256, False)


def test_the_resolved_recipe_holds_the_components_defaults_and_reads_back_the_same(write):
    import tomli_w

    first = load_recipe(write(GOOD)).resolved
    assert first["generator"]["filters"] == 64
    assert first["method"] == {"name": "paired"}
    assert load_recipe(write(tomli_w.dumps(first), "again.toml")).resolved == first


def test_all_errors_come_at_once_with_file_line_key_and_the_nearest_name(write):
    text = GOOD.replace('"aligned"', '"alined"').replace("depth = 3", 'filter = 3\nnorm = "bach"')
    found = problems(write("titel = 1\n" + text.replace("epochs = 2", "epochs = 0")))
    assert set(found) == {"titel", "dataset.name", "generator.filter", "generator.norm", "train.epochs"}
    assert found["titel"].where == "mine.toml:1"
    assert 'Did you mean "title"?' in found["titel"].message
    assert found["dataset.name"].where == "mine.toml:3"
    assert 'Did you mean "aligned"' in found["dataset.name"].message
    assert found["generator.filter"].where == "mine.toml:8"
    assert 'takes no "filter". Did you mean "filters"?' in found["generator.filter"].message
    assert 'norm ("batch" | "instance" | "instance_affine" | "none" = "batch")' in found["generator.filter"].message
    assert "bach" in found["generator.norm"].message
    assert found["train.epochs"].where == "mine.toml:15"


@pytest.mark.parametrize(
    ("change", "key", "said"),
    [
        (("depth = 3", 'depth = "3"'), "generator.depth", '"depth" is "3", but should be int'),
        (("depth = 3", "depth = true"), "generator.depth", "should be int"),
        (("depth = 3", "depth = 1"), "generator.depth", "greater than or equal to 2"),
        (("depth = 3", "in_channels = 3"), "generator.in_channels", "given"),
        (('root = "data"', ""), "dataset", 'needs "root"'),
        (("epochs = 2", ""), "train", "epochs"),
        (("epochs = 2", "epochs = 2\nsteps = 3"), "train", "epochs"),
        (("epochs = 2", "epochs = 2\nworkers = -1"), "train.workers", "-1"),
        (("epochs = 2", "epochs = 2\nbatch_size = 1.5"), "train.batch_size", "1.5"),
        (("[train]", "[optimizer]\nlr = nan\n[train]"), "optimizer.lr", "lr"),
        (("[train]", "[augment]\nsize = 3\ncrop = 2\n[train]"), "augment", "either"),
        (("[train]", "[augment]\nresize = 16\ncrop = 32\n[train]"), "augment", "does not fit"),
        (("[train]", "[schedule]\ndecay_steps = 1\n[train]"), "schedule", "decay_epochs"),
        (("[train]", "[[augment.transform]]\nname = 'GausNoise'\n[train]"), "augment.transform.0", "GaussNoise"),
        (("[train]", '[discriminator]\nname = "patchgan"\n[train]'), "loss", "no loss that trains it"),
        (('name = "l1"', 'name = "cgan"'), "loss", "needs a discriminator"),
        (('name = "l1"', 'name = "l1"\nweight = -1'), "loss.0.weight", "-1"),
        (("[[loss]]", "[loss]"), "loss", "list"),
    ],
)
def test_each_wrong_value_is_named(write, change, key, said):
    assert change[0] in GOOD
    found = problems(write(GOOD.replace(*change)))
    assert key in found
    assert said in str(found[key])
    assert found[key].where.startswith("mine.toml")


def test_losses_that_want_different_discriminators_do_not_go_together(write):
    text = GOOD.replace('name = "l1"', 'name = "cgan"\n[[loss]]\nname = "gan"') + '[discriminator]\nname = "patchgan"\n'
    assert "do not go together" in problems(write(text))["loss"].message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"seed = = 3\n", "mine.toml:1"),
        (b"[dataset\nname = 1\n", "not TOML"),
        (b'a = "unclosed\n', "not TOML"),
        (b"\xff\xfe\x00", "not a text file"),
        (b"", "is missing"),
    ],
)
def test_what_is_no_recipe_is_said_to_be_none(tmp_path, monkeypatch, content, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_bytes(content)
    with pytest.raises(RecipeError, match=said):
        load_recipe("mine.toml")


@pytest.mark.parametrize("text", ["\ufeff" + GOOD, GOOD.replace("\n", "\r\n")])
def test_marks_and_line_ends_of_other_systems_are_read(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_bytes(text.encode())
    assert load_recipe("mine.toml").tables.train.epochs == 2


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(RecipeError, match="no such file"):
        load_recipe(tmp_path / "none.toml")
    with pytest.raises(RecipeError, match="is a folder"):
        load_recipe(tmp_path)


@pytest.mark.parametrize(
    ("line", "at", "said"),
    [
        ("epochs = 3", "epochs", '"train.epochs"'),
        ("lr = 0.1", "lr", '"optimizer.lr"'),
        ("filters = 3", "filters", '"generator.filters"'),
        ("weight = 3", "weight", '"loss.l1.weight"'),
    ],
)
def test_a_key_of_another_table_is_suggested(write, line, at, said):
    assert f"Did you mean {said}?" in problems(write(f"{line}\n{GOOD}"))[at].message
    assert f"Did you mean {said}?" in problems(write(GOOD), line.replace(" ", ""))[at].message


def test_an_argument_of_another_table_is_suggested(write):
    found = problems(write(GOOD.replace("depth = 3", "depth = 3\nbatch_size = 4")))
    assert 'Did you mean "train.batch_size"?' in found["generator.batch_size"].message


def test_many_faults_are_cut_short(write):
    text = "\n".join(f"stranger{number} = 1" for number in range(3000))
    found = problems(write(f"{text}\n{GOOD}"))
    assert len(found) < 200
    assert "2900 more faults" in str(found[""])


@pytest.mark.parametrize("where", ["file", "option"])
def test_a_windows_path_in_double_quotes_is_told_how_to_be_written(write, where):
    root = 'root = "C:\\Users\\me"'
    overrides = [f"dataset.{root.replace(' ', '')}"] if where == "option" else []
    path = write(GOOD if overrides else GOOD.replace('root = "data"', root))
    [problem] = problems(path, *overrides).values()
    assert "single quotes" in problem.message


def test_a_root_in_the_home_folder_is_found(write, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    path = write(GOOD.replace('"data"', '"~/pictures"') + SAMPLE)
    assert load_recipe(path).missing_root == "~/pictures"
    (tmp_path / "pictures").mkdir()
    assert load_recipe(path).missing_root is None


def test_two_values_in_one_override_are_a_text(write):
    assert load_recipe(write(GOOD), overrides=["title=1\nseed = 2"]).tables.title == "1\nseed = 2"


class TestOverrides:
    def test_values_are_toml_or_else_text_and_reach_any_key(self, write):
        tables = load_recipe(
            write(GOOD),
            overrides=["train.batch_size=4", "generator.norm=instance", "optimizer.betas=[0.9, 0.99]", "title=a b"],
        ).tables
        assert tables.train.batch_size == 4
        assert tables.generator.arguments["norm"] == "instance"
        assert tables.optimizer.betas == (0.9, 0.99)
        assert tables.title == "a b"

    @pytest.mark.parametrize("key", ["loss.0.weight", "loss.l1.weight"])
    def test_an_entry_of_a_list_goes_by_position_or_name(self, write, key):
        assert load_recipe(write(GOOD), overrides=[f"{key}=7"]).tables.loss[0].weight == 7

    def test_epochs_and_steps_drop_each_other(self, write):
        train = load_recipe(write(GOOD), overrides=["train.steps=9"]).tables.train
        assert (train.epochs, train.steps) == (None, 9)

    def test_an_error_names_the_override_not_a_line(self, write):
        found = problems(write(GOOD), "generator.depht=4")
        assert found["generator.depht"].where == "--set generator.depht=4"
        assert 'Did you mean "depth"?' in found["generator.depht"].message

    @pytest.mark.parametrize("text", ["nonsense", "=3", "loss.l2.weight=1", "loss.4.weight=1", "title.x=1", "a b=1"])
    def test_what_cannot_be_assigned_is_an_error(self, write, text):
        with pytest.raises(RecipeError, match="--set"):
            load_recipe(write(GOOD), overrides=[text])


class TestSample:
    def test_it_is_laid_over_the_recipe_only_where_the_root_is_missing(self, write, tmp_path):
        recipe = load_recipe(write(GOOD + SAMPLE))
        assert recipe.missing_root == "data"
        assert recipe.tables.dataset.table["name"] == "openmoji"
        assert "root" not in recipe.tables.dataset.arguments
        assert recipe.tables.generator.arguments["depth"] == 5
        assert (recipe.tables.train.epochs, recipe.tables.train.steps) == (None, 7)
        (tmp_path / "data").mkdir()
        recipe = load_recipe("mine.toml")
        assert not recipe.is_sample
        assert recipe.tables.generator.arguments["depth"] == 3

    def test_it_can_be_asked_for_and_done_without(self, write, tmp_path):
        assert not load_recipe(write(GOOD + SAMPLE), sample=False).is_sample
        (tmp_path / "data").mkdir()
        recipe = load_recipe("mine.toml", sample=True)
        assert (recipe.is_sample, recipe.missing_root) == (True, None)
        assert recipe.tables.dataset.table["name"] == "openmoji"
        with pytest.raises(RecipeError, match=r"no \[sample\]"):
            load_recipe(write(GOOD), sample=True)

    def test_set_wins_over_it(self, write):
        tables = load_recipe(write(GOOD + SAMPLE), overrides=["train.epochs=3", "generator.depth=4"]).tables
        assert (tables.train.epochs, tables.train.steps) == (3, None)
        assert tables.generator.arguments["depth"] == 4

    @pytest.mark.parametrize("choice", ["dataset.root=elsewhere", 'dataset={name="aligned", root="elsewhere"}'])
    def test_a_root_that_was_chosen_on_the_command_line_is_not_replaced(self, write, choice):
        assert not load_recipe(write(GOOD + SAMPLE), overrides=[choice]).is_sample

    def test_its_errors_are_found_on_its_own_lines(self, write):
        found = problems(write(GOOD + SAMPLE.replace("depth = 5", "dept = 5")))
        assert found["sample.generator.dept"].where == "mine.toml:17"
