"""`itrans doctor` tells what is here, what is not, and what does not work."""

from __future__ import annotations

import collections
import importlib.metadata
import json
import re
import shutil

import torch

from itrans_doctor import findings

Usage = collections.namedtuple("Usage", "total used free")


def test_all_sections_are_shown_within_80_columns(itrans, monkeypatch):
    # What is installed is checked below, and in cli/test_list_plugins.py: it takes ten seconds.
    monkeypatch.setattr(findings, "plugins", lambda: [findings.Finding("components", "some")])
    done = itrans("doctor")
    assert done.exit_code == 0, done.output
    for title in ("Versions", "Devices", "Room", "Extras", "Plugins"):
        assert f"\n{title}\n" in f"\n{done.output}"
    assert torch.__version__.split("+")[0] in done.output
    assert done.output.rstrip().endswith("All is well.")
    assert max(map(len, done.output.splitlines())) <= 80


def test_json_has_the_same(itrans, monkeypatch):
    monkeypatch.setattr(findings, "plugins", lambda: [findings.Finding("components", "some")])
    found = json.loads(itrans("doctor", "--json").output)
    assert {finding["what"] for finding in found["Versions"]} >= {"itrans", "Python", "torch"}
    assert not any(finding["is_fault"] for findings in found.values() for finding in findings)


def test_every_extra_for_users_is_told():
    extras = set(importlib.metadata.metadata("itrans").get_all("Provides-Extra") or [])
    assert {finding.what for finding in findings.extras()} == extras - {"dev", "docs"}


def test_a_missing_extra_is_told_with_what_it_brings(monkeypatch):
    version = importlib.metadata.version

    def without_fastapi(name):
        if name == "fastapi":
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(importlib.metadata, "version", without_fastapi)
    (serve,) = [finding for finding in findings.extras() if finding.what == "serve"]
    assert serve.value.startswith("missing: itrans serve")
    assert serve.advice == "pip install 'itrans[serve]'"
    assert not serve.is_fault


def test_little_room_is_told(monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(10**12, 10**12 - 10**9, 10**9))
    assert all(finding.advice and not finding.is_fault for finding in findings.room())


def test_too_many_threads_are_told(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4096)
    (threads,) = [finding for finding in findings.devices() if finding.what == "threads"]
    assert "OMP_NUM_THREADS" in threads.advice


def test_a_broken_package_is_a_fault_with_its_name(install, itrans, monkeypatch):
    entries = "[itrans.losses]\nmine = acme_parts:Mine\n[itrans.commands]\nours = acme_parts:ours\n"
    site = install("acme", "1.0", entries, acme_parts="raise RuntimeError('out of order')\n")
    monkeypatch.setenv("PYTHONPATH", str(site.parent if site.suffix else site))
    done = itrans("doctor")
    assert done.exit_code == 1
    assert "loss mine" in done.output
    assert "ours" in done.output.split()
    assert "acme" in done.output
    assert done.output.count("out of order") == 2
    assert re.search(r"components +\d+ of acme 1.0, itrans", done.output)
    assert done.output.splitlines()[-1].startswith("Not well:")


def test_two_opencvs_are_a_fault(monkeypatch):
    version = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "5.0" if name == "opencv-python" else version(name))
    (fault,) = [finding for finding in findings.versions() if finding.is_fault]
    assert "pip uninstall opencv-python" in fault.advice
