"""What other packages can do to the commands: raise what nobody catches, end processes, spoil what libraries read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from listed import rows

from itrans.api import LOSSES, PluginError
from itrans.testing import check_plugins

DATASET = """
class Data:
    def __init__(self, *, split: str) -> None: ...
    def __len__(self) -> int: ...
    def __getitem__(self, index: int): ...
"""


def itrans_in(folder, *arguments, path):
    """Call the command line in a process of its own, with a folder in front of the path."""
    return subprocess.run(
        [sys.executable, "-m", "itrans", *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(path), os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "error", ["KeyboardInterrupt", "SystemExit(0)", "MemoryError", "RecursionError", "GeneratorExit", "Exception('x')"]
)
def test_whatever_an_import_raises_is_named_by_its_package(install, error):
    install("acme", "2.1", "[itrans.losses]\nodd = odd_losses:Loss\n", odd_losses=f"raise {error}\n")
    with pytest.raises(PluginError) as caught:
        LOSSES.get("odd")
    assert "acme 2.1" in str(caught.value)
    assert error.partition("(")[0] in str(caught.value)


def test_a_file_that_exits_and_a_part_that_does_when_it_is_built_do_not_end_the_command(
    itrans, install, recipe, tmp_path
):
    (tmp_path / "exits.py").write_text("raise SystemExit(0)\n")
    done = itrans("run", recipe, "--check", "--code", "exits.py")
    assert done.exit_code == 2
    assert "exits.py" in done.stderr
    source = "class Loss:\n    role = 'image'\n    def __init__(self):\n        raise SystemExit(0)\n"
    install("acme", "2.1", "[itrans.losses]\nodd = odd_losses:Loss\n", odd_losses=source)
    recipe.write_text(recipe.read_text().replace('"l1"', '"odd"'))
    done = itrans("run", recipe, "-o", "run")
    assert done.exit_code == 2
    assert "acme 2.1" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is not sent to oneself on this system")
def test_ctrl_c_during_an_import_is_not_taken_for_the_package_s_own(install):
    install("slow", "1", "[itrans.losses]\nslow = slow_losses:Loss\n", slow_losses="import time\ntime.sleep(30)\n")
    before = signal.getsignal(signal.SIGINT)
    timer = threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        LOSSES.get("slow")
    timer.join()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_package_that_ends_the_process_again_and_again_is_not_tried_for_ever(itrans, install):
    names = [f"part_{number:02d}" for number in range(30)]
    lines = "".join(f"{name} = ends_{name}:Data\n" for name in names)
    install(
        "ends", "1", f"[itrans.datasets]\n{lines}", **{f"ends_{name}": "import os\nos._exit(0)\n" for name in names}
    )
    began = time.monotonic()
    done, listed = rows(itrans, "dataset", "--check")
    assert time.monotonic() - began < 60
    assert done.exit_code == 2
    assert all(listed[name]["status"].startswith("broken: the import of ends_part") for name in names)
    assert listed["part_29"]["status"].endswith("this one was not tried")
    assert listed["aligned"]["status"] == "ok"
    assert "30 of" in done.stderr


def test_there_is_an_end_to_trying_if_many_packages_end_the_process(itrans, install, monkeypatch):
    monkeypatch.setattr(check_plugins, "_MOST_ENDED", 2)
    for number in range(5):
        install(f"ends-{number}", "1", f"[itrans.datasets]\nd{number} = ends:Data\n", ends="import os\nos._exit(0)\n")
    _, listed = rows(itrans, "dataset", "--check")
    assert listed["d0"]["status"].startswith("broken")
    assert listed["d4"]["status"].startswith("not tried")
    assert listed["aligned"]["status"] == "ok"


def test_twenty_thousand_names_are_looked_up_in_no_time(install):
    lines = "".join(f"l{number} = missing_{number}:Loss\n" for number in range(20_000))
    install("many", "1", f"[itrans.losses]\n{lines}")
    began = time.monotonic()
    for number in range(0, 20_000, 100):
        assert LOSSES.origin(f"l{number}").target == f"missing_{number}:Loss"
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "content", [b"[console_scripts]\n# \xe9\nx = y:z\n", b"[console_scripts]\nx\n"], ids=["no UTF-8", "no entry"]
)
def test_metadata_that_libraries_stumble_over_is_named_with_its_file(tmp_path, install, recipe, content):
    site = install("fine", "1", "")
    (site / "latin-1.dist-info").mkdir()
    (site / "latin-1.dist-info" / "entry_points.txt").write_bytes(content)
    for arguments in (["run", recipe, "--check"], ["list-plugins", "--check"]):
        done = itrans_in(tmp_path, *arguments, path=site)
        assert done.returncode == 2, done.stderr
        assert str(site / "latin-1.dist-info") in done.stderr
        assert "Traceback" not in done.stderr
    assert itrans_in(tmp_path, "list-plugins", path=site).returncode == 0


def test_check_says_what_is_doubtful_and_what_is_ambiguous(itrans, install, checked_here):
    install(
        "acme",
        "2",
        "[itrans.dataset]\nlost = acme_data:Data\n[itrans.datasets]\naligned = acme_data:Data\nmodule = acme_data\n",
        acme_data=DATASET,
    )
    done, listed = rows(itrans, "dataset", "--check")
    assert 'Did you mean "itrans.datasets"' in done.stderr
    assert '"acme:aligned"' in done.stderr
    assert "write acme_data:Class" in listed["module"]["status"]
    assert "Did you mean" not in itrans("list-plugins").stderr


def test_a_torchvision_that_does_not_fit_is_named_with_what_to_type(tmp_path, recipe):
    (tmp_path / "site" / "torchvision").mkdir(parents=True)
    fault = "operator torchvision::nms does not exist"
    (tmp_path / "site" / "torchvision" / "__init__.py").write_text(f"raise RuntimeError('{fault}')\n")
    text = recipe.read_text().replace('name = "unet"\ndepth = 3\nfilters = 4', 'name = "timm_unet"')
    recipe.write_text(text)
    for arguments in (["run", recipe, "-o", "run"], ["list-plugins", "generator", "--check"]):
        done = itrans_in(tmp_path, *arguments, path=tmp_path / "site")
        assert done.returncode == 2, done.stderr
        assert fault in done.stderr + done.stdout
        assert "pip install --force-reinstall torch torchvision --index-url" in done.stderr + done.stdout
        assert "Traceback" not in done.stderr
