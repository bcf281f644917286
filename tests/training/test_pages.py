"""What is installed to draw a page in every run's folder: it is found, told, and stops nothing."""

from __future__ import annotations

import json

import pytest

from itrans.api import PAGES

PAGE = """
class Numbers:
    def __init__(self, *, step=0):
        self.step = step
    def start(self, recipe, folder):
        self.path = folder / "numbers.txt"
        self.note("start", self.step)
    def note(self, *heard):
        with self.path.open("a") as file:
            print(*heard, file=file)
    def scalars(self, step, values):
        self.note("scalars", step, *sorted(values))
    def pictures(self, step, name, image):
        self.note("pictures", step)
    def pairs(self, step, found):
        sides = {(side.shape, str(side.dtype)) for pair in found.best for side in pair[2:]}
        counts = [len(found.best), len(found.worst), len(found.spread)]
        self.note("pairs", step, found.metric, found.better, *counts, sides)
    def finish(self, outcome):
        self.note("finish", outcome)
        return f"Numbers: {self.path}"
"""
BROKEN = "import a_package_that_is_not_there\n"


def test_every_installed_page_hears_what_trackers_hear(itrans, install, recipe, tmp_path):
    for name in ("acme", "zebra"):
        install(f"itrans-{name}", "1.0", f"[itrans.pages]\n{name} = {name}_page:Numbers\n", **{f"{name}_page": PAGE})
    done = itrans("run", recipe, "-o", "out", "--set", "train.epochs=1")
    assert done.exit_code == 0, done.output
    heard = (tmp_path / "out" / "numbers.txt").read_text().splitlines()
    assert heard.count("start 0") == 2
    assert heard.count("finish finished") == 2
    assert heard.count("pairs 4 l1 True 3 3 2 {((16, 16, 3), 'uint8')}") == 2


def test_a_run_ends_with_what_pages_have_to_say_and_a_stopped_one_says_how_to_go_on(itrans, install, recipe):
    install("itrans-acme", "1.0", "[itrans.pages]\nacme = acme_page:Numbers\n", acme_page=PAGE)
    stopped = itrans("run", recipe, "-o", "out", "--stop-after", 2)
    assert "Numbers:" not in stopped.output
    assert "--resume" in stopped.output
    lines = itrans("run", recipe, "-o", "out", "--resume").output.splitlines()
    assert "Numbers: out/numbers.txt" in lines[-3:]
    assert "How it went: open out/index.html" in lines[-3:]
    assert "Try it in the browser: itrans serve out --open" in lines[-3:]


def test_what_a_page_says_at_the_end_moves_no_cursor_and_is_short(itrans, install, recipe):
    odd = PAGE.replace('return f"Numbers: {self.path}"', 'return "\\x1b[2Jred\\n" + "many\\n" * 1000')
    install("itrans-acme", "1.0", "[itrans.pages]\nacme = acme_page:Numbers\n", acme_page=odd)
    output = itrans("run", recipe, "-o", "out", "--set", "train.epochs=1").output
    assert "\x1b" not in output
    assert 0 < output.count("many") < 10


def test_a_page_is_left_out_when_the_recipe_says_so_and_also_on_going_on(itrans, install, recipe, tmp_path):
    install("itrans-acme", "1.0", "[itrans.pages]\nacme = acme_page:Numbers\n", acme_page=PAGE)
    assert itrans("run", recipe, "-o", "out", "--set", "log.page=false", "--stop-after", 2).exit_code == 130
    assert not (tmp_path / "out" / "numbers.txt").exists()
    assert itrans("run", recipe, "-o", "out", "--resume").exit_code == 0
    assert (tmp_path / "out" / "numbers.txt").read_text().startswith("start 2\n")


def test_a_broken_package_hurts_nobody_and_is_shown(itrans, install, recipe, tmp_path, checked_here):
    install("itrans-acme", "1.0", "[itrans.pages]\nacme = acme_page:Numbers\n", acme_page=BROKEN)
    done = itrans("run", recipe, "-o", "out", "--set", "train.epochs=1")
    assert done.exit_code == 0, done.output
    assert done.output.count('The page "acme" has failed') == 1
    assert (tmp_path / "out" / "index.html").is_file()
    listed = json.loads(itrans("list-plugins", "page", "--json").output)
    assert {row["name"] for row in listed} == {"acme", "report"}
    checked = itrans("list-plugins", "page", "--check", "--json")
    assert checked.exit_code == 2
    status = {row["name"]: row["status"] for row in json.loads(checked.stdout)}
    assert status["report"] == "ok"
    assert status["acme"].startswith("broken")


@pytest.mark.parametrize("place", ["start", "scalars", "pairs", "pictures", "finish"])
def test_one_that_fails_is_told_of_once(itrans, recipe, tmp_path, place):
    class Failing:
        def start(self, recipe, folder): ...
        def scalars(self, step, values): ...
        def pairs(self, step, found): ...
        def pictures(self, step, name, image): ...
        def finish(self, outcome): ...

    def fail(self, *_):
        raise OSError("the disk is full")

    setattr(Failing, place, fail)
    PAGES.register("failing")(Failing)
    try:
        done = itrans("run", recipe, "-o", "out", "--set", "train.epochs=1")
    finally:
        PAGES.unregister("failing")
    assert done.exit_code == 0, done.output
    assert done.output.count('The page "failing" has failed') == 1
    assert "the disk is full" in done.output


def test_without_pictures_no_pairs_are_kept(itrans, install, recipe, tmp_path):
    install("itrans-acme", "1.0", "[itrans.pages]\nacme = acme_page:Numbers\n", acme_page=PAGE)
    done = itrans("run", recipe, "-o", "out", "--set", "train.epochs=1", "--set", "log.pictures=0")
    assert done.exit_code == 0, done.output
    assert "pairs" not in (tmp_path / "out" / "numbers.txt").read_text()
