from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys

import pytest

from itrans.registry import REGISTRIES


def test_a_pipe_gets_plain_aligned_lines(itrans):
    done = itrans("list-plugins")
    assert done.exit_code == 0
    lines = done.output.splitlines()
    assert lines[0].split() == ["kind", "name", "distribution", "version", "object"]
    assert ["generator", "unet", "itrans", "0.1.0", "itrans_pix2pix.generators:UNet"] in [
        line.split() for line in lines
    ]


def test_json_has_the_same_keys(itrans):
    rows = json.loads(itrans("list-plugins", "--json").output)
    assert all(list(row) == ["kind", "name", "distribution", "version", "object"] for row in rows)
    assert {row["kind"] for row in rows} == {
        "generator",
        "discriminator",
        "loss",
        "dataset",
        "method",
        "metric",
        "tracker",
        "page",
    }


def test_one_kind(itrans):
    rows = json.loads(itrans("list-plugins", "loss", "--json").output)
    assert {row["name"] for row in rows} >= {"cgan", "gan", "l1", "l2"}
    assert {row["kind"] for row in rows} == {"loss"}


def test_an_unknown_kind_is_a_usage_error(itrans):
    done = itrans("list-plugins", "generators")
    assert done.exit_code == 2
    assert "generator" in done.stderr


def test_check_loads_everything_of_ours(itrans):
    done = itrans("list-plugins", "--check")
    assert done.exit_code == 0, done.output
    assert "broken" not in done.output


def test_check_reports_the_broken_ones_in_place_and_exits_2(itrans, install):
    install("bad-parts", "0.3", "[itrans.datasets]\nbroken = bad_parts:Data\n", bad_parts="import not_there_at_all\n")
    done = itrans("list-plugins", "dataset", "--check", "--json")
    assert done.exit_code == 2
    status = {row["name"]: row["status"] for row in json.loads(done.stdout)}
    assert status["broken"].startswith("broken: ModuleNotFoundError")
    assert status["aligned"] == "ok"
    assert itrans("list-plugins").exit_code == 0


def test_a_malformed_package_is_named_and_hides_nobody(itrans, install):
    install("garbled", "2", "this is [not an ini file\n")
    done = itrans("list-plugins")
    assert done.exit_code == 0
    assert "garbled-2.dist-info" in done.stderr
    assert "unet" in done.stdout
    assert itrans("list-plugins", "dataset", "--check").exit_code == 2


def test_control_characters_of_a_package_do_not_reach_the_terminal(itrans, install):
    install("sly", "1", "[itrans.losses]\nred\x1b[31m = sly:Loss\n")
    done = itrans("list-plugins", "loss")
    assert "\x1b" not in done.output
    assert "red\N{REPLACEMENT CHARACTER}[31m" in done.output


def test_columns_in_a_pipe_are_two_spaces_apart_in_every_line(itrans, install):
    install("odd", "1", "[itrans.losses]\nodd = some   words:Loss\n", odd="")
    done = itrans("list-plugins", "--long")
    heading, *lines = [re.split(" {2,}", line) for line in done.stdout.splitlines()]
    assert heading == ["kind", "name", "distribution", "version", "object", "summary"]
    assert {len(line) for line in lines} == {6}
    assert ["loss", "odd", "odd", "1", "some words:Loss", "-"] in lines


def test_the_help_names_every_column(itrans):
    text = itrans("list-plugins", "--help").output
    for column in ("kind", "name", "distribution", "version", "object", "status", "summary"):
        assert re.search(rf"^    {column}  +\w", text, re.MULTILINE)
    assert "ITRANS_PLUGINS" in text


class TestLong:
    @pytest.mark.parametrize(
        ("kind", "name"), [("generator", "unet"), ("loss", "l1"), ("dataset", "aligned"), ("method", "paired")]
    )
    def test_the_summary_is_the_first_line_of_the_docstring(self, itrans, kind, name):
        rows = json.loads(itrans("list-plugins", kind, "--long", "--json").stdout)
        summary = next(row["summary"] for row in rows if row["name"] == name)
        assert summary == inspect.getdoc(REGISTRIES[kind].get(name)).splitlines()[0]

    def test_nothing_is_imported_for_it(self):
        program = (
            "import sys, json, atexit\n"
            "heavy = {'torch', 'numpy', 'cv2', 'pydantic', 'itrans_pix2pix', 'itrans_datasets'}\n"
            "atexit.register(lambda: print(json.dumps(sorted(set(sys.modules) & heavy)), file=sys.stderr))\n"
            "sys.argv = ['itrans', 'list-plugins', '--long']\n"
            "from itrans.cli import main\nmain()\n"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert "The U-Net" in done.stdout
        assert json.loads(done.stderr.splitlines()[-1]) == []

    @pytest.mark.parametrize(
        ("target", "summary"),
        [
            ("long_top:Plain", "A class."),
            ("long_top:made", "A function."),
            ("long_top:Plain.Inner", "A class in a class."),
            ("long_top:Twice", "The second."),
            ("long_top:Silent", ""),
            ("long_top:Missing", ""),
            ("long_top:alias", ""),
            ("long_top", ""),
            ("long_top:Plain [extra]", "A class."),
            ("long_top:Escaping", "Colours with a \N{REPLACEMENT CHARACTER}[31m code."),
            ("long_top:Long", "x" * 200),
            ("long_pack:Nets", "Three nets."),
            ("long_pack:Renamed", "Three nets."),
            ("long_pack:Again", ""),
            ("long_pack.deep:Nets", "Three nets."),
            ("long_pack.deep.nets:Nets", "Three nets."),
            ("long_pack.deep.missing:Nets", ""),
            ("long_pack.wrong:Nets", ""),
            ("long_space.inner:Nets", "In a namespace."),
            ("missing_altogether:Nets", ""),
            ("long_top.inner:Nets", ""),
            ("sys:exit", ""),
            ("itrans.api:Registry", "The components of one kind, by name."),
        ],
    )
    def test_it_is_read_from_the_source_and_through_one_import(self, itrans, install, target, summary):
        site = install("long", "1", f"[itrans.losses]\nlong = {target}\n", long_top=SOURCE)
        for path, source in PACKAGES.items():
            (site / path).parent.mkdir(parents=True, exist_ok=True)
            (site / path).write_text(source)
        rows = json.loads(itrans("list-plugins", "loss", "--long", "--json").stdout)
        (row,) = [row for row in rows if row["distribution"] == "long"]
        assert row["summary"] == summary
        assert not {"long_top", "long_pack", "long_space"} & set(sys.modules)


class TestCheck:
    def test_what_breaks_the_contract_is_faulty(self, itrans, install):
        source = "class Data:\n    def __init__(self, *, split: str, **others: int) -> None: ...\n"
        install("half", "1", "[itrans.datasets]\nhalf = half_data:Data\n", half_data=source)
        done = itrans("list-plugins", "dataset", "--check", "--long", "--json")
        assert done.exit_code == 2
        row = next(row for row in json.loads(done.stdout) if row["name"] == "half")
        assert list(row) == ["kind", "name", "distribution", "version", "object", "status", "summary"]
        assert re.fullmatch(r"faulty: It takes any keyword.* \(\+\d more\)", row["status"])

    def test_a_part_that_a_decorator_registered_is_checked_too(self, itrans):
        REGISTRIES["dataset"].register("mine")(type("Mine", (), {}))
        try:
            rows = json.loads(itrans("list-plugins", "dataset", "--check", "--json").stdout)
        finally:
            REGISTRIES["dataset"].unregister("mine")
        assert next(row["status"] for row in rows if row["name"] == "mine").startswith("faulty: ")

    @pytest.mark.usefixtures("checked_here")
    @pytest.mark.parametrize(
        ("target", "advice"),
        [
            ("wrong_entry", "write wrong_entry:Class"),
            ("wrong_entry.Plain", "write wrong_entry:Plain"),
            ("wrong_entry Plain", "write wrong_entry:Plain"),
            ("wrong_entry:", "write wrong_entry:Class"),
            ("wrong_entry:Plian", 'Did you mean "Plain"?'),
            ("wrong_entry:broken", "has no attribute"),
        ],
    )
    def test_an_entry_point_that_names_no_class_is_told_what_to_write(self, itrans, install, target, advice):
        source = "class Plain:\n    role = 'image'\n\n    def __call__(self, translated): ...\n"
        install("wrong", "1", f"[itrans.losses]\nwrong = {target}\n", wrong_entry=source)
        rows = json.loads(itrans("list-plugins", "loss", "--check", "--json").stdout)
        status = next(row["status"] for row in rows if row["name"] == "wrong")
        assert status.startswith("broken: ")
        assert advice in status

    @pytest.mark.usefixtures("checked_here")
    @pytest.mark.parametrize(
        ("group", "meant"), [("generator", "generators"), ("lossess", "losses"), ("comands", "commands")]
    )
    def test_an_unknown_group_is_told_which_one_may_be_meant(self, itrans, install, group, meant):
        install("lost", "1", f"[itrans.{group}]\nlost = lost_part:Lost\n")
        done = itrans("list-plugins", "page", "--check")
        assert f'Did you mean "itrans.{meant}"?' in done.stderr
        assert "lost-1.dist-info" in done.stderr

    @pytest.mark.parametrize("seconds", ["0", "-1", "soon"])
    def test_the_timeout_is_a_positive_number(self, itrans, seconds):
        done = itrans("list-plugins", "--check", "--timeout", seconds)
        assert done.exit_code == 2
        assert "--timeout" in done.stderr


SOURCE = (
    '''
"""Not what is asked for."""
raise RuntimeError("imported")
pattern = "\\d"


class Plain:
    """A class.

    More of it.
    """

    class Inner:
        """A class in a class."""


def made():
    """
    A function.
    """


class Twice:
    """The first."""


class Twice:
    """The second."""


class Silent:
    """"""

    x = 1


class Escaping:
    """Colours with a \\x1b[31m code."""


class Long:
    """'''
    + "x" * 300
    + '''"""


alias = Plain
'''
)

NETS = 'class Nets:\n    """Three nets."""\n'
PACKAGES = {
    "long_pack/__init__.py": "from .deep.nets import Nets, Nets as Renamed\nfrom .deep import Again\n1 / 0\n",
    "long_pack/deep/__init__.py": "from long_pack.deep.nets import Nets, Nets as Again\n1 / 0\n",
    "long_pack/deep/nets.py": NETS,
    "long_pack/wrong.py": NETS + "def (\n",
    "long_space/inner.py": 'class Nets:\n    """In a namespace."""\n',
}
