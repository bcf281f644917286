from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
import torch
from torch.utils.data import DataLoader, Dataset
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter

from itrans.api import TrainingError
from itrans.data.workers import batches_of, be_quiet

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork")


@pytest.fixture(autouse=True)
def _quick_to_miss(monkeypatch):
    """Let torch look for workers that have died more often than every five seconds."""
    monkeypatch.setattr(_MultiProcessingDataLoaderIter._try_get_data, "__defaults__", (0.1,))


class Numbers(Dataset):
    def __len__(self) -> int:
        return 1000

    def __getitem__(self, index: int) -> int:
        time.sleep(0.01)
        return index


def test_batches_come_in_order():
    loader = DataLoader(Numbers(), batch_size=2, num_workers=2, worker_init_fn=be_quiet)
    batches = batches_of(loader)
    assert [next(batches).tolist() for _ in range(5)] == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]
    batches.close()


@pytest.mark.parametrize("victim", [0, 1])
def test_a_worker_that_is_killed_is_missed_and_the_others_end(victim):
    before = set(multiprocessing.active_children())
    loader = DataLoader(Numbers(), batch_size=2, num_workers=2, worker_init_fn=be_quiet)
    batches = batches_of(loader)
    next(batches)
    workers = sorted(set(multiprocessing.active_children()) - before, key=lambda worker: worker.pid)
    os.kill(workers[victim].pid, signal.SIGKILL)
    with pytest.raises(TrainingError, match=r"train\.workers"):
        for _ in batches:
            pass
    for worker in workers:
        worker.join(timeout=20)
        assert not worker.is_alive()


def test_no_signal_of_a_childs_death_interrupts_what_is_going_on():
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals go to the main thread")
    before = signal.getsignal(signal.SIGCHLD)
    batches = batches_of(DataLoader(Numbers(), batch_size=2, num_workers=1, worker_init_fn=be_quiet))
    next(batches)
    assert signal.getsignal(signal.SIGCHLD) == before
    batches.close()


def test_an_error_of_an_item_is_no_death():
    class Broken(Numbers):
        def __getitem__(self, index: int) -> int:
            raise RuntimeError("this one")

    before = set(multiprocessing.active_children())
    batches = batches_of(DataLoader(Broken(), batch_size=2, num_workers=1, worker_init_fn=be_quiet))
    with pytest.raises(RuntimeError, match="this one"):
        next(batches)
    for worker in set(multiprocessing.active_children()) - before:
        worker.join(timeout=20)  # Python would wait for it when it ends, for as long as anything holds the error
        assert not worker.is_alive()


def test_a_worker_that_ends_as_if_all_were_well_is_missed_too():
    class Leaving(Numbers):
        def __getitem__(self, index: int) -> int:
            os._exit(0)

    with pytest.raises(TrainingError, match="exit code 0"):
        next(batches_of(DataLoader(Leaving(), batch_size=2, num_workers=1, worker_init_fn=be_quiet)))


def test_without_workers_it_is_the_loader_itself():
    assert torch.equal(next(batches_of(DataLoader(Numbers(), batch_size=3))), torch.tensor([0, 1, 2]))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="processes are not forked")
def test_python_ends_also_where_something_still_holds_a_loader():
    code = (
        "from torch.utils.data import DataLoader\n"
        "from itrans.data.workers import batches_of, be_quiet\n"
        "kept = batches_of(DataLoader(list(range(100)), num_workers=1, worker_init_fn=be_quiet))\n"
        "next(kept)\n"
        "import builtins; builtins.kept = kept\n"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], timeout=120, check=False)
    assert done.returncode == 0
