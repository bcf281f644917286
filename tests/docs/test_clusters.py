"""The job of docs/clusters.md trains on two machines: two loopback addresses, which a stand-in for Slurm gives it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import tomli_w
import torch
from docs.base import BASE, add_pictures
from docs.pages import wanted

SRUN = """\
#!{python}
import os, subprocess, sys
nodes = [
    subprocess.Popen(sys.argv[1:], env=os.environ | {{"PET_LOCAL_ADDR": f"127.0.0.{{node + 1}}"}})
    for node in range(2)
]
sys.exit(max([node.wait() for node in nodes]))
"""


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """Commands that do what those of Slurm would, for a job on two machines with one process each."""
    folder = tmp_path / "bin"
    folder.mkdir()
    commands = {
        "srun": SRUN.format(python=sys.executable),
        "scontrol": "#!/bin/sh\necho 127.0.0.1\necho 127.0.0.2\n",
        "torchrun": f'#!/bin/sh\nexec {sys.executable} -m torch.distributed.run "$@"\n',
    }
    for name, text in commands.items():
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    job = {"SLURM_JOB_NODELIST": "node[1-2]", "SLURM_JOB_NUM_NODES": "2", "SLURM_GPUS_ON_NODE": "1"}
    surroundings = {"PATH": f"{folder}:{os.environ['PATH']}", "SLURM_JOB_ID": "7", "OMP_NUM_THREADS": "1", **job}
    return os.environ | surroundings | {"GLOO_SOCKET_IFNAME": "lo", "CUDA_VISIBLE_DEVICES": ""}, port


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="a network of its own at 127.0.0.2 is Linux's")
def test_the_job_trains_on_two_addresses_and_goes_on(slurm, tmp_path):
    surroundings, port = slurm
    [script] = [block.text for block in wanted("sh") if "#SBATCH" in block.text]
    (tmp_path / "job.sh").write_text(script.replace(":29500", f":{port}"), encoding="utf-8")
    add_pictures(tmp_path)
    recipe = BASE | {"train": BASE["train"] | {"batch_size": 1}}
    for steps, expected in ((2, 2), (3, 3)):  # the second time it is submitted, it goes on
        recipe["train"] |= {"steps": steps}
        (tmp_path / "mine.toml").write_text(tomli_w.dumps(recipe), encoding="utf-8")
        done = subprocess.run(
            ["bash", "job.sh"], cwd=tmp_path, env=surroundings, capture_output=True, text=True, timeout=240, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        checkpoint = torch.load(Path(tmp_path, "runs/mine/checkpoints/last.pt"), weights_only=True)
        assert (checkpoint["progress"]["step"], checkpoint["processes"]) == (expected, 2)
    assert "2 processes" in done.stdout
