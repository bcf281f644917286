"""How many cores a process may use, and what is said of waiting before torch is loaded."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from itrans import cores

BOUND = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


@pytest.fixture
def groups(monkeypatch, tmp_path):
    """Stand in for the control groups of Linux: files, and the process's own groups."""

    def set_up(own, files):
        (tmp_path / "own").write_text(own)
        for name, text in files.items():
            path = tmp_path / "groups" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        monkeypatch.setattr(cores, "_OWN", tmp_path / "own")
        monkeypatch.setattr(cores, "_GROUPS", tmp_path / "groups")
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)

    return set_up


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        ("0::/\n", {"cpu.max": "200000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "250000 100000\n"}, 3),
        ("0::/\n", {"cpu.max": "20000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": "max 100000\n"}, 16),
        ("0::/a/b\n", {"a/cpu.max": "400000 100000", "a/b/cpu.max": "800000 100000"}, 4),
        ("0::/../other\n", {}, 16),
        ("0::/\n", {"cpu.max": "nonsense"}, 16),
        ("4:cpuacct,cpu:/x\n", {"cpu/x/cpu.cfs_quota_us": "300000", "cpu/x/cpu.cfs_period_us": "100000"}, 3),
        ("4:cpu:/x\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 16),
        ("4:memory:/x\n", {"cpu.max": "100000 100000"}, 16),
    ],
)
def test_a_containers_quota_counts(groups, own, files, expected):
    groups(own, files)
    assert cores.cores() == expected


def test_without_control_groups_it_is_what_the_process_is_bound_to(monkeypatch, tmp_path):
    monkeypatch.setattr(cores, "_OWN", tmp_path / "none")
    assert cores.cores() == BOUND


@pytest.mark.parametrize("said", [{}, {"OMP_WAIT_POLICY": "active"}, {"GOMP_SPINCOUNT": "5"}, {"KMP_BLOCKTIME": "1"}])
def test_the_command_line_has_threads_wait_briefly_unless_the_environment_says_something(said):
    code = "import os, sys; from itrans.cli import cli; cli(['list-plugins'], standalone_mode=False)\n"
    code += "assert 'torch' not in sys.modules; print(os.environ.get('GOMP_SPINCOUNT'))"
    plain = {name: value for name, value in os.environ.items() if name not in cores._POLICIES}
    done = subprocess.run([sys.executable, "-c", code], env=plain | said, capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == (said.get("GOMP_SPINCOUNT", "None") if said else cores._TURNS)


@pytest.mark.parametrize(("said", "expected"), [({}, "2"), ({"OMP_NUM_THREADS": "5"}, "5")])
def test_a_quota_is_told_to_libraries_that_do_not_heed_it(groups, monkeypatch, said, expected):
    groups("0::/\n", {"cpu.max": "200000 100000"})
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(os, "environ", dict(said))
    cores.prepare_threads()
    assert os.environ["OMP_NUM_THREADS"] == expected


def test_importing_itrans_changes_nothing():
    code = "import os, itrans.api; itrans.api.Batch; print(os.environ.get('GOMP_SPINCOUNT'))"
    plain = {name: value for name, value in os.environ.items() if name not in cores._POLICIES}
    done = subprocess.run([sys.executable, "-c", code], env=plain, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "None"


def test_what_other_programs_use_is_what_the_cores_do_besides(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    monkeypatch.setattr(os, "sysconf", lambda _: 100)
    monkeypatch.setattr(cores, "_BUSY", tmp_path / "stat")
    monkeypatch.setattr(cores, "_last", None)
    clock, own = iter([10.0, 10.1, 12.1]), iter([1.0, 1.0, 2.5])
    monkeypatch.setattr(cores.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(cores.time, "process_time", lambda: next(own))

    def look(first, second):
        rows = [f"cpu{number} {busy} 0 0 50 50 0 0 9" for number, busy in ((0, first), (1, second), (7, 99999))]
        (tmp_path / "stat").write_text("cpu  1 2 3 4 5 6 7 8\n" + "\n".join(rows) + "\nintr 5\n")
        return cores.used_by_others()

    assert look(0, 0) is None
    assert look(10, 0) is None  # after a tenth of a second
    assert look(200, 110) == pytest.approx((3.0 - 1.5) / 2)


def test_where_nothing_tells_what_others_use_it_is_not_known(monkeypatch, tmp_path):
    monkeypatch.setattr(cores, "_BUSY", tmp_path / "none")
    monkeypatch.setattr(cores, "_last", (0.0, 0.0, 0.0))
    assert cores.used_by_others() is None
