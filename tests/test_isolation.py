"""A plugin that is slow, broken, malicious or of another time spoils nothing that does not use it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile

import pytest

from itrans import plugins
from itrans.api import DATASETS, GENERATORS, LOSSES, PluginError

DATASET = """
class Data:
    def __init__(self, *, split: str) -> None: ...
    def __len__(self) -> int: ...
    def __getitem__(self, index: int): ...
"""
BIDI = "\N{RIGHT-TO-LEFT OVERRIDE}"


def write(site, folder, entry_points):
    """Write a distribution's metadata without what pip would check."""
    info = site / folder
    info.mkdir(parents=True)
    data = entry_points if isinstance(entry_points, bytes) else entry_points.encode()
    (info / "entry_points.txt").write_bytes(data)
    plugins.forget()
    return info


def rows(itrans, *arguments):
    done = itrans("list-plugins", *arguments, "--json")
    return done, {row["name"]: row for row in json.loads(done.stdout)}


class TestImportsThatGoWrong:
    def test_one_that_never_ends_is_listed_described_and_passed_over_by_a_run(self, itrans, install, recipe):
        source = '"""Slow."""\nimport time\ntime.sleep(3600)\nclass Net:\n    """A net of the future."""\n'
        install("sleepy", "1", "[itrans.generators]\nsleepy = sleepy_nets:Net\n", sleepy_nets=source)
        _, listed = rows(itrans, "--long")
        assert listed["sleepy"]["summary"] == "A net of the future."
        done = itrans("run", recipe, "--check")
        assert done.exit_code == 0, done.output
        assert "sleepy_nets" not in sys.modules

    def test_check_names_those_that_hang_crash_exit_or_print_and_passes_the_others(self, itrans, install, capfd):
        sources = {
            "aborts": "import os\nos.abort()\n",
            "calm": DATASET,
            "exits": "raise SystemExit(3)\n",
            "hangs": "import time\ntime.sleep(3600)\n",
            "interrupts": "raise KeyboardInterrupt\n",
            "leaves": "import os\nos._exit(0)\n",
            "prints": DATASET + "import os\nprint('{')\nos.write(1, b'[')\nos.write(2, b']')\n",
            "raises": "class Odd(BaseException):\n    def __str__(self): raise self\nraise Odd\n",
            "scribbles": DATASET + "import os\nfor number in range(3, 64):\n"
            "    try:\n        os.write(number, b'[99, 1]\\n1\\n\\xff\\n')\n    except OSError:\n        pass\n",
            "lingers": DATASET + "import threading, time\nthreading.Thread(target=time.sleep, args=(3600,)).start()\n",
        }
        for name, source in sources.items():
            entry_points = f"[itrans.datasets]\n{name} = bad_{name}:Data\n"
            if name == "hangs":
                entry_points += "hangs_too = bad_hangs.inner:Data\n"
            install(name, "1", entry_points, **{f"bad_{name}": source})
        done, listed = rows(itrans, "dataset", "--check", "--timeout", "4")
        assert done.exit_code == 2
        assert {name: listed[name]["status"] for name in [*sources, "hangs_too", "aligned", "paired"]} == {
            "aborts": "broken: the import of bad_aborts ends the process by SIGABRT",
            "calm": "ok",
            "exits": "broken: SystemExit: 3",
            "hangs": "broken: the import of bad_hangs does not end within 4 s",
            "hangs_too": "broken: the import of bad_hangs does not end within 4 s; this one was not tried",
            "interrupts": "broken: KeyboardInterrupt",
            "leaves": "broken: the import of bad_leaves ends the process with exit code 0",
            "prints": "ok",
            "raises": "broken: Odd: (its message cannot be read)",
            "scribbles": "ok",
            "lingers": "ok",
            "aligned": "ok",
            "paired": "ok",
        }
        assert capfd.readouterr() == ("", "")

    def test_nobody_is_blamed_for_what_another_package_has_left_running(self, itrans, install):
        late = "import os, threading\nthreading.Timer(0.2, os._exit, [7]).start()\n"
        install("a-culprit", "1", "[itrans.datasets]\na = late:Data\n", late=DATASET + late)
        slow = "import time\ntime.sleep(1)\n"
        install("b-victim", "1", "[itrans.datasets]\nb = victim:Data\n", victim=slow + DATASET)
        _, listed = rows(itrans, "dataset", "--check")
        assert listed["b"]["status"] == "ok"

    def test_the_other_modules_of_a_package_that_crashes_are_tried(self, itrans, install):
        entry_points = "[itrans.datasets]\na = crashing:Data\nb = crashing:Other\nc = sound:Data\n"
        install("mixed", "1", entry_points, crashing="import os\nos._exit(5)\n", sound=DATASET)
        _, listed = rows(itrans, "dataset", "--check")
        reason = "broken: the import of crashing ends the process with exit code 5"
        assert [listed[name]["status"] for name in "abc"] == [reason, reason, "ok"]

    def test_one_that_ends_the_process_when_it_is_looked_at_is_told_from_its_module(self, itrans, install):
        trap = "class Trap(Data):\n    def __init__(self, *, split: \"__import__('os')._exit(6)\"): ...\n"
        source = DATASET + trap
        install("traps", "1", "[itrans.datasets]\na = trap:Trap\nb = trap:Data\n", trap=source)
        _, listed = rows(itrans, "dataset", "--check")
        assert listed["a"]["status"] == "broken: looking at trap:Trap ends the process with exit code 6"
        assert listed["b"]["status"] == "ok"

    def test_an_exception_cannot_write_to_the_terminal(self, install):
        source = "raise RuntimeError('red \\x1b[31m' + 'x' * 9999 + '\\n\\x9b')\n"
        install("sly", "1", "[itrans.losses]\nsly = sly_losses:Loss\n", sly_losses=source)
        with pytest.raises(PluginError, match="RuntimeError: red \N{REPLACEMENT CHARACTER}") as error:
            LOSSES.get("sly")
        assert len(str(error.value)) < 3000
        assert all(line.isprintable() for line in str(error.value).split("\n"))


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("Loss = 3\n", "is int odd_losses:Loss, not something that can be called"),
        ("class Loss:\n    itrans_api = 10**9\n", "needs the component API 1000000000"),
        ("class Loss:\n    itrans_api = '1'\n", "itrans_api is of type str"),
        ("class Loss:\n    itrans_api = property(lambda self: 1)\n", "itrans_api is of type property"),
        (
            "class Meta(type):\n    @property\n    def itrans_api(cls): raise SystemExit('no\\x1b')\n"
            "class Loss(metaclass=Meta): pass\n",
            "SystemExit: no\N{REPLACEMENT CHARACTER}",
        ),
        (
            "class All:\n    def __call__(self): ...\n    def __getattr__(self, name): return self\nLoss = All()\n",
            "All",
        ),
        ("Loss = dict\n", "its arguments cannot be read"),
        ("def __getattr__(name): raise LookupError(name)\n", "LookupError"),
    ],
)
def test_an_object_that_is_no_component_is_refused_with_its_package(install, source, reason):
    install("odd", "2.1", "[itrans.losses]\nodd = odd_losses:Loss\n", odd_losses=source)
    with pytest.raises(PluginError) as error:
        LOSSES.get("odd")
    assert 'The loss "odd" of odd 2.1' in str(error.value)
    assert reason in str(error.value)


@pytest.mark.parametrize("target", ["", "json", "json:", ":dumps", "json dumps", "a b:c", "json:no.such", "no-such:x"])
def test_a_target_that_is_no_object_is_listed_and_broken_only_when_used(itrans, install, target):
    install("odd-target", "1", f"[itrans.losses]\nodd = {target}\nextra = json:dumps [all]\n")
    done, listed = rows(itrans, "loss", "--long")
    assert done.exit_code == 0
    assert listed["odd"]["object"] == target
    assert listed["odd"]["summary"] == ""
    with pytest.raises(PluginError, match="odd-target 1"):
        LOSSES.get("odd")
    assert LOSSES.get("extra") is json.dumps


class TestNames:
    @pytest.mark.parametrize(
        "name",
        [
            "red\x1b[31m",
            f"{BIDI}tenu",
            "a\u2028b",
            "a\x85b",
            "a\x0bb",
            "zero\N{ZERO WIDTH SPACE}width",
            "un et",
            "itrans:unet",
            "a/../b",
            "$(id)",
            "n" * 101,
            "n" * 50_000,
            "bold[/][red]",
        ],
    )
    def test_one_that_could_fool_a_reader_is_left_out_and_named(self, itrans, install, name):
        site = install("fine", "1", "")
        write(site, "sly-1.dist-info", f"[itrans.losses]\n{name} = sly:Loss\nhonest = sly:Loss\n")
        done, listed = rows(itrans)
        assert "honest" in listed
        assert name not in listed
        (note,) = plugins.installed().unreadable
        assert "sly-1.dist-info" in note
        assert plugins.printable(name)[:100] in note
        for text in (itrans("list-plugins").output, done.output, _message_of_unknown("honestt")):
            assert all(line.isprintable() for line in text.split("\n"))
            assert len(text) < 20_000

    @pytest.mark.parametrize("target", [f"sly:{BIDI}Loss", "sly:a\x1b[2J", "s" * 5000 + ":Loss"])
    def test_a_target_that_could_is_left_out_too(self, itrans, install, target):
        write(install("fine", "1", ""), "sly-1.dist-info", f"[itrans.losses]\nodd = {target}\n")
        done, listed = rows(itrans)
        assert "odd" not in listed
        assert 'the loss "odd" is left out' in done.stderr
        assert all(line.isprintable() for line in done.output.split("\n"))

    def test_a_target_over_several_lines_is_shown_in_one(self, itrans, install):
        install("lines", "1", "[itrans.losses]\nodd = a:b\n  unet  c:d\n")
        assert rows(itrans)[1]["odd"]["object"] == "a:b unet c:d"

    @pytest.mark.parametrize(
        "folder",
        ["a\x1b[31mb-1.dist-info", f"{BIDI}a-1.dist-info", "-1.dist-info", "~cme-1.dist-info", "a-1\n2.dist-info"],
    )
    def test_a_distribution_without_a_name_that_can_be_shown_is_left_out(self, itrans, install, folder):
        write(install("fine", "1", ""), folder, "[itrans.losses]\nodd = sly:Loss\n")
        done, listed = rows(itrans)
        assert "odd" not in listed
        assert "is not a name and a version" in done.stderr
        assert all(line.isprintable() for line in done.output.split("\n"))

    def test_a_distribution_cannot_pass_for_what_a_decorator_registers(self, install):
        install("Local", "1", "[itrans.losses]\nodd = sly:Loss\n")
        assert "odd" not in LOSSES.names()
        with pytest.raises(PluginError, match="what a decorator registers"):
            LOSSES.get("local:odd")

    def test_a_table_survives_an_output_that_lacks_characters(self, install):
        source = 'class Loss:\n    """\N{GREEK SMALL LETTER MU} and \N{LATIN SMALL LETTER E WITH ACUTE}."""\n'
        site = install("wide", "1", "[itrans.losses]\nwide = wide:Loss\n")
        (site / "wide.py").write_text(source, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "itrans", "list-plugins", "loss", "--long"],
            env={**os.environ, "PYTHONPATH": str(site), "PYTHONIOENCODING": "latin-1:strict"},
            capture_output=True,
            check=True,
        )
        assert "? and \N{LATIN SMALL LETTER E WITH ACUTE}." in done.stdout.decode("latin-1")


def _message_of_unknown(name):
    with pytest.raises(PluginError) as error:
        LOSSES.get(name)
    return str(error.value)


class TestMetadata:
    @pytest.mark.parametrize(
        "content",
        [
            b"\xff\xfe[\x00i\x00t\x00r\x00a\x00n\x00s\x00.\x00",
            b"[itrans.losses]\nodd\n",
            b"[itrans.losses]\na = b:c\na = b:d\n",
            b"[itrans.losses]\na = b:c\n[itrans.losses]\nd = e:f\n",
            b"\xc3( [itrans.losses]",
            b"[itrans.losses]\n# \xe9\na = b:c\n",
            b"[itrans.losses]\n" + b"#" * 1_000_001,
            b"[itrans.losses\x1b]\n = \n",
        ],
        ids=lambda content: repr(content[:20]),
    )
    def test_an_entry_points_file_that_cannot_be_read_is_named_and_hides_nobody(self, install, content):
        site = install("fine", "1", "[itrans.losses]\nfine = fine_parts:Fine\n")
        info = write(site, "garbled-2.dist-info", content)
        assert {"fine", "l1"} <= set(LOSSES.names())
        (note,) = plugins.installed().unreadable
        assert note.startswith(str(info / "entry_points.txt"))
        assert note.isprintable()

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
    def test_a_pipe_or_a_folder_in_place_of_a_file_holds_nobody_up(self, itrans, install):
        site = install("fine", "1", "[itrans.losses]\npiped = piped:Loss\n")
        os.mkfifo(site / "piped.py")
        for name, make in (("pipe", os.mkfifo), ("folder", os.mkdir)):
            (site / f"{name}-1.dist-info").mkdir()
            make(site / f"{name}-1.dist-info" / "entry_points.txt")
        plugins.forget()
        assert rows(itrans, "--long")[1]["piped"]["summary"] == ""
        assert len(plugins.installed().unreadable) == 2

    def test_what_other_programs_declare_is_none_of_our_business(self, install):
        install("other", "1", "[console_scripts]\nother = other:main\nother = other:main\n")
        assert plugins.installed().unreadable == ()

    def test_the_other_files_of_a_distribution_do_not_matter(self, install):
        site = install("bare", "1", "")
        info = write(site, "scant.dist-info", "[itrans.losses]\nscant = scant:Loss\n")
        (info / "METADATA").write_bytes(b"\xff\x00" * 99)
        (info / "RECORD").mkdir()
        write(site, "Old_Name-1.5-py3.11.egg-info", "[itrans.losses]\r\nold = old:Loss\r\n")
        (site / "flat-1.egg-info").write_text("Metadata-Version: 1.0\n")
        origin = LOSSES.origin("scant")
        assert (origin.distribution, origin.version) == ("scant", "")
        origin = LOSSES.origin("old")
        assert (origin.distribution, origin.version, origin.target) == ("old-name", "1.5", "old:Loss")

    def test_an_empty_cell_of_the_table_is_a_dash(self, itrans, install):
        write(install("bare", "1", ""), "scant.dist-info", "[itrans.losses]\nscant = scant:Loss\n")
        lines = [line.split() for line in itrans("list-plugins", "loss").stdout.splitlines()]
        assert ["loss", "scant", "scant", "-", "scant:Loss"] in lines

    def test_of_one_distribution_in_several_places_the_first_on_the_path_counts(self, install, monkeypatch, tmp_path):
        install("twice", "1", "[itrans.losses]\ntwice = one:Loss\nonly_in_one = one:Loss\n")
        first = tmp_path / "first"
        write(first, "Twice-2.dist-info", "[itrans.losses]\ntwice = two:Loss\n")
        monkeypatch.syspath_prepend(str(first))
        assert LOSSES.origin("twice").version == "2"
        assert "only_in_one" not in LOSSES.names()
        (first / "Twice-2.dist-info" / "entry_points.txt").unlink()
        plugins.forget()
        assert "twice" not in LOSSES.names()

    def test_of_what_an_interrupted_update_leaves_the_highest_version_counts(self, install):
        site = install("left", "1.9", "[itrans.losses]\nleft = one:Loss\n")
        for version in ("1.10", "1.2"):
            write(site, f"left-{version}.dist-info", "[itrans.losses]\nleft = other:Loss\n")
        assert LOSSES.origin("left").version == "1.10"
        notes = plugins.installed().unreadable
        assert len(notes) == 2
        assert all("left is installed twice" in note and "1.10" not in note for note in notes)

    def test_archives_are_read_and_damaged_ones_named(self, install, monkeypatch, tmp_path):
        install("fine", "1", "")
        good, bad = tmp_path / "good.zip", tmp_path / "bad.zip"
        with zipfile.ZipFile(good, "w") as archive:
            archive.writestr("zipped-3.dist-info/entry_points.txt", "[itrans.losses]\nzipped = zipped:Loss\n")
            archive.writestr("zipped.py", "class Loss: pass\n")
        data = good.read_bytes()
        bad.write_bytes(data.replace(b"[itrans.losses]", b"[itrans.Losses]"))  # its checksum is wrong
        for path in (good, bad):
            monkeypatch.syspath_prepend(str(path))
        origin = LOSSES.origin("zipped")
        assert (origin.distribution, origin.version) == ("zipped", "3")
        assert LOSSES.get("zipped").__name__ == "Loss"
        (note,) = plugins.installed().unreadable
        assert "bad.zip" in note

    def test_entries_of_the_path_that_are_nothing_are_passed_over(self, install, monkeypatch, tmp_path):
        install("fine", "1", "[itrans.losses]\nfine = fine:Loss\n")
        (tmp_path / "text").write_text("no archive")
        odd = ["", "\0", str(tmp_path / "text"), str(tmp_path / "missing.egg"), tmp_path, None]
        monkeypatch.setattr(sys, "path", [*odd, *sys.path])
        assert {"fine", "l1"} <= set(LOSSES.names())
        assert plugins.installed().unreadable == ()


class TestShadows:
    def test_a_module_called_like_one_of_ours_is_named_where_it_matters(self, install, tmp_path):
        site = install("thief", "1", "[itrans.losses]\nodd = itrans_pix2pix:Loss\n", itrans_pix2pix="class Loss: ...")
        program = "from itrans.api import GENERATORS, METHODS\nMETHODS.get('paired')\nGENERATORS.get('unet')\n"
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONPATH": str(site)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "'itrans_pix2pix' is not a package" in done.stderr
        assert f"(itrans_pix2pix is {site / 'itrans_pix2pix.py'})" in done.stderr

    def test_check_tells_a_component_whose_module_another_package_brings(self, itrans, install, monkeypatch, tmp_path):
        site = install("honest", "1", "[itrans.datasets]\nhonest = shared_name:Data\n", shared_name=DATASET)
        (site / "honest-1.dist-info" / "RECORD").write_text("shared_name.py,,\n")
        assert rows(itrans, "dataset", "--check")[1]["honest"]["status"] == "ok"
        (tmp_path / "first").mkdir()
        (tmp_path / "first" / "shared_name.py").write_text(DATASET)
        monkeypatch.syspath_prepend(str(tmp_path / "first"))
        done, listed = rows(itrans, "dataset", "--check")
        assert done.exit_code == 2
        assert listed["honest"]["status"] == (
            f"shadowed: shared_name is imported from {tmp_path / 'first' / 'shared_name.py'}, which is not of honest"
        )

    def test_the_name_of_a_component_is_never_imported(self, install, recipe, itrans):
        install("quiet", "1", "", quiet_nets="class Net: pass\n")
        for name in ("quiet_nets:Net", "quiet_nets.Net", "quiet:Net"):
            done = itrans("run", recipe, "--check", "--set", f'generator={{name="{name}"}}')
            assert done.exit_code == 2
            assert f'There is no generator "{name}"' in done.stderr
        assert "quiet_nets" not in sys.modules


class TestRestriction:
    @pytest.fixture(autouse=True)
    def _packages(self, install):
        for name in ("acme-one", "acme-two"):
            module = name.replace("-", "_")
            install(
                name,
                "1",
                f"[itrans.losses]\n{module} = {module}:Loss\n",
                **{module: "class Loss:\n    role = 'image'\n"},
            )
        write(install("bare", "1", ""), "garbled-2.dist-info", "no ini file")

    @pytest.mark.parametrize("value", ["acme-one", "Acme_One", " acme.one ,", "itrans,acme-one"])
    def test_only_what_is_named_and_itrans_is_looked_at(self, monkeypatch, value):
        assert {"acme_one", "acme_two", "l1"} <= set(LOSSES.names())
        assert len(plugins.installed().unreadable) == 1
        monkeypatch.setenv("ITRANS_PLUGINS", value)
        assert "acme_one" in LOSSES.names()
        assert {origin.distribution for origin in plugins.installed().origins} == {"itrans", "acme-one"}
        assert plugins.installed().unreadable == ()

    def test_an_empty_value_leaves_itrans_alone_and_errors_say_so(self, itrans, monkeypatch, recipe):
        monkeypatch.setenv("ITRANS_PLUGINS", "")
        assert itrans("run", recipe, "--check").exit_code == 0
        recipe.write_text(recipe.read_text().replace('"l1"', '"acme_two"'))
        done = itrans("run", recipe, "--check")
        assert done.exit_code == 2
        assert "ITRANS_PLUGINS restricts the packages that are seen to itrans." in done.stderr
        monkeypatch.setenv("ITRANS_PLUGINS", "acme-two")
        assert itrans("run", recipe, "--check").exit_code == 0

    def test_what_is_named_in_vain_is_a_warning(self, itrans, monkeypatch):
        monkeypatch.setenv("ITRANS_PLUGINS", "acme-three,bare,\x1b,acme-one")
        done = itrans("list-plugins", "--json")
        assert done.exit_code == 0
        assert {row["distribution"] for row in json.loads(done.stdout)} == {"itrans", "acme-one"}
        assert done.stderr.splitlines() == [
            'Warning: ITRANS_PLUGINS names "\N{REPLACEMENT CHARACTER}", which is not installed.',
            'Warning: ITRANS_PLUGINS names "acme-three", which is not installed.',
            'Warning: ITRANS_PLUGINS names "bare", which brings no components.',
        ]


def test_two_hundred_packages_are_all_found_and_told_apart(install):
    for number in range(200):
        install(f"many-{number}", "1", f"[itrans.generators]\nsame = many_{number}:Net\nnet_{number} = m:Net\n")
    names = GENERATORS.names()
    assert {f"many-{number}:same" for number in range(200)} <= set(names)
    assert {f"net_{number}" for number in range(200)} <= set(names)
    with pytest.raises(PluginError, match="many-199 1"):
        GENERATORS.get("same")


def test_a_qualified_name_reaches_what_a_decorator_hides():
    @DATASETS.register("aligned", replace=True)
    class Other:
        pass

    try:
        assert DATASETS.get("aligned") is Other
        assert DATASETS.get("local:aligned") is Other
        assert DATASETS.get("itrans:aligned").__name__ == "Aligned"
    finally:
        DATASETS.unregister("aligned")
