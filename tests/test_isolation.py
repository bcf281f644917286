"""A plugin that is slow, broken or malicious spoils nothing that does not use it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from listed import rows

from itrans.api import DATASETS, GENERATORS, LOSSES, PluginError

DATASET = """
class Data:
    def __init__(self, *, split: str) -> None: ...
    def __len__(self) -> int: ...
    def __getitem__(self, index: int): ...
"""


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


class TestShadows:
    def test_a_module_called_like_one_of_ours_is_named_where_it_matters(self, install, tmp_path):
        site = install("thief", "1", "[itrans.losses]\nodd = itrans_pix2pix:Loss\n", itrans_pix2pix="class Loss: ...")
        program = "from itrans.api import DATASETS, GENERATORS\nDATASETS.get('aligned')\nGENERATORS.get('unet')\n"
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
