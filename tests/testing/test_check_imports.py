"""The checks import a component's module in a new process, and name what that does which it should not."""

from __future__ import annotations

import sys
import textwrap
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

from itrans.registry import REGISTRIES
from itrans.testing import check_loss


@pytest.fixture
def without_imports():
    """Nothing: they are what is tested here."""


@pytest.fixture
def loss_of_module(tmp_path, monkeypatch):
    """Return the loss of a module whose file then gets some more lines, which another process will import."""

    def make(lines: str):
        path = tmp_path / "its_part.py"
        source = textwrap.dedent("""\
            class Loss:
                role = "image"

                def __call__(self, translated):
                    return translated.output.float().mean()
        """)
        path.write_text(source, encoding="utf-8")
        loss = import_module("its_part").Loss
        path.write_text(f"{textwrap.dedent(lines)}\n{source}", encoding="utf-8")
        return loss

    monkeypatch.syspath_prepend(tmp_path)
    yield make
    sys.modules.pop("its_part", None)


def test_a_silent_import_passes(loss_of_module):
    check_loss(loss_of_module("import json, socket"))


def test_importing_all_that_itrans_brings_prints_nothing_and_connects_to_nothing(loss_of_module):
    origins = [origin for registry in REGISTRIES.values() for origin in registry.origins()]
    modules = {origin.module for origin in origins if origin.distribution == "itrans"}
    assert len(modules) > 10
    check_loss(loss_of_module("\n".join(f"import {module}" for module in sorted(modules))))


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ("print('hello')", "Importing its_part prints 'hello': an import is silent."),
        ("1 / 0", "Importing its_part in a new process fails: ZeroDivisionError: division by zero"),
        (
            "import nowhere_to_be_found",
            "Importing its_part in a new process fails: ModuleNotFoundError: No module named",
        ),
        (
            "import socket\ntry:\n    socket.create_connection(('localhost', 9))\nexcept OSError:\n    pass",
            "Importing its_part connects to a network: what is downloaded belongs where it is needed.",
        ),
        (
            "import urllib.request\nurllib.request.urlopen('http://localhost:9')",
            "Importing its_part connects to a network: what is downloaded belongs where it is needed.",
        ),
    ],
)
def test_imports_that_fail_print_or_connect_are_named(loss_of_module, lines, sentence, faults_of):
    [fault] = faults_of(check_loss, loss_of_module(lines))
    assert fault.startswith(sentence)


def test_an_import_that_does_not_end_is_named(loss_of_module, faults_of, monkeypatch):
    monkeypatch.setattr("itrans.testing.imports._SECONDS", 0.5)
    [fault] = faults_of(check_loss, loss_of_module("import time\ntime.sleep(60)"))
    assert fault == "Importing its_part takes longer than 0.5 s."


class Notebook:
    role = "image"

    def __call__(self, translated):
        return translated.output.float().mean()


@pytest.mark.parametrize("module", ["__main__", "nowhere_to_be_found"])
def test_what_nothing_else_imports_is_not_imported(module, monkeypatch):
    monkeypatch.setattr(Notebook, "__module__", module)
    monkeypatch.setattr("subprocess.run", None)
    check_loss(Notebook)


def test_what_no_other_process_finds_is_not_judged(monkeypatch):
    module = ModuleType("nowhere_to_be_found")
    module.__spec__ = ModuleSpec("nowhere_to_be_found", None)
    monkeypatch.setitem(sys.modules, "nowhere_to_be_found", module)
    monkeypatch.setattr(Notebook, "__module__", "nowhere_to_be_found")
    check_loss(Notebook)
