"""What a package says of itself may be odd, damaged or misleading: nobody is fooled, and nobody else is hidden."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile

import pytest
from listed import rows

from itrans import plugins
from itrans.api import LOSSES, PluginError

BIDI = "\N{RIGHT-TO-LEFT OVERRIDE}"


def write(site, folder, entry_points):
    """Write a distribution's metadata without what pip would check."""
    info = site / folder
    info.mkdir(parents=True)
    data = entry_points if isinstance(entry_points, bytes) else entry_points.encode()
    (info / "entry_points.txt").write_bytes(data)
    plugins.forget()
    return info


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
