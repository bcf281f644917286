"""Trying out installed components in processes of their own, since importing one may hang, crash or exit."""

from __future__ import annotations

import contextlib
import csv
import functools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from itrans.errors import PluginError, error_text, printable
from itrans.metadata import contents, refuse_unreadable_metadata
from itrans.plugins import LOCAL, OURS
from itrans.registry import REGISTRIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from itrans.plugins import Origin

OK = "ok"
"""The status of a component that is as it should be."""

_PROGRAM = """\
import json, sys
task = json.load(sys.stdin)
sys.path[:] = task["path"]
from itrans.testing.check_plugins import work
work(task)
"""
_POLL_SECONDS = 0.02

_MOST_OF_ONE, _MOST_ENDED, _MOST_HUNG = 3, 20, 3
"""How many processes the components of one distribution may end, those of all may end, and those of all may hang."""

_NOT_TRIED = "not tried: too many others end or hang the process that imports them; remove those first"


def statuses(origins: Sequence[Origin], seconds: float) -> dict[Origin, str]:
    """Return the status of each component: `ok`, or what is wrong with it.

    All are imported in one process. If that ends early, the distribution whose turn it was is tried in one of its own,
    so that it is not blamed for what another has left running, and the others go on in a new one. There is an end to
    that: what is left after many have failed so is not tried. The import of one may take so many seconds.

    Raises:
        PluginError: no process can be started to try anything in.
    """
    refuse_unreadable_metadata()
    found = {origin: status(origin) for origin in origins if origin.distribution == LOCAL}
    ours_first = sorted(origins, key=lambda origin: origin.distribution != OURS)
    waiting = [origin for origin in ours_first if origin not in found]
    ended = hung = 0
    while waiting:
        if ended >= _MOST_ENDED or hung >= _MOST_HUNG:
            return found | dict.fromkeys(waiting, _NOT_TRIED)
        trial = _try(waiting, seconds)
        found |= trial.statuses
        waiting = [origin for origin in waiting if origin not in found]
        if waiting:
            ended, hung = ended + 1, hung + trial.hung
            suspect = waiting[0].distribution
            own = [origin for origin in waiting if origin.distribution == suspect]
            found |= _statuses_when_stopped(own, trial) if trial.hung else _statuses_alone(own, seconds)
            waiting = [origin for origin in waiting if origin not in found]
    return found


def status(origin: Origin, imported: Callable[[], None] = lambda: None) -> str:
    """Import a component in this process and return its status; `imported` is called between that and what follows."""
    try:
        component = REGISTRIES[origin.kind].get(origin.qualified)
    except PluginError as error:
        lines = str(error).splitlines()
        return f"broken: {lines[min(1, len(lines) - 1)]}"
    except BaseException as error:  # what the registry lets through, such as an interruption from inside
        return f"broken: {type(error).__name__}"
    imported()
    if other := _imported_instead(origin):
        return f"shadowed: {origin.module} is imported from {other}, which is not of {origin.distribution}"
    from itrans.testing import quick_faults

    try:
        faults = quick_faults(origin.kind, component)
    except BaseException as error:  # reading a component's attributes may run anything
        faults = [f"Looking at it raises {error_text(error)}"]
    if not faults:
        return OK
    more = f" (+{len(faults) - 1} more)" if len(faults) > 1 else ""
    return printable(f"faulty: {' '.join(faults[0].split())}{more}")


def work(task: dict[str, Any]) -> None:
    """Try the components of a task, and write down what came out, one by one."""
    wanted = {(kind, qualified): number for number, (kind, qualified) in enumerate(task["components"])}
    origins = {(o.kind, o.qualified): o for registry in REGISTRIES.values() for o in registry.origins()}
    with Path(task["results"]).open("a", encoding="utf-8") as results:

        def report(*line: object) -> None:
            print(json.dumps(line), file=results, flush=True)

        report()
        for key, number in wanted.items():
            report(number, status(origins[key], functools.partial(report, number)))
    os._exit(0)  # not to wait for what the plugins have left running


@dataclass(frozen=True)
class _Trial:
    """What came out of one process: some statuses, and if these are not all, how far it came and how it ended."""

    statuses: dict[Origin, str]
    imported: frozenset[Origin]
    reason: str
    hung: bool


def _statuses_alone(origins: list[Origin], seconds: float) -> dict[Origin, str]:
    """Return the statuses of one distribution's components."""
    found: dict[Origin, str] = {}
    failures = 0
    while waiting := [origin for origin in origins if origin not in found]:
        trial = _try(waiting, seconds)
        found |= trial.statuses
        if left := [origin for origin in waiting if origin not in found]:
            found |= (stopped := _statuses_when_stopped(left, trial))
            failures += 1
            if failures == _MOST_OF_ONE:
                others = [origin for origin in left if origin not in stopped]
                found |= dict.fromkeys(others, f"{next(iter(stopped.values()))}; this one was not tried")
    return found


def _statuses_when_stopped(origins: list[Origin], trial: _Trial) -> dict[Origin, str]:
    """Return the statuses that are clear when a process has ended, or was ended, at the first of some components.

    They are of one distribution. What hangs once is not tried again: each time takes long.
    """
    culprit = origins[0]
    if culprit in trial.imported:
        same, reason = [culprit], f"broken: looking at {culprit.target} {trial.reason}"
    else:
        same = [origin for origin in origins if origin.module == culprit.module]
        reason = f"broken: the import of {culprit.module} {trial.reason}"
    others = [origin for origin in origins if origin not in same] if trial.hung else []
    return dict.fromkeys(same, reason) | dict.fromkeys(others, f"{reason}; this one was not tried")


def _try(origins: list[Origin], seconds: float) -> _Trial:
    with tempfile.TemporaryDirectory(prefix="itrans-") as folder:
        task, results = Path(folder, "task.json"), Path(folder, "results.jsonl")
        components = [(origin.kind, origin.qualified) for origin in origins]
        task.write_text(json.dumps({"path": sys.path, "results": str(results), "components": components}))
        results.touch()
        with task.open("rb") as given:
            process = subprocess.Popen(
                [sys.executable, "-P", "-c", _PROGRAM],
                stdin=given,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        try:
            hung = not _ends(process, results, seconds)
        finally:
            _end(process)
        lines = results.read_text(encoding="utf-8", errors="replace").splitlines()
    if not lines:
        raise PluginError(f"The process that should import the components {_reason(process, hung, seconds)}.")
    found, imported = {}, set()
    for line in lines:
        # A plugin may have written to every open file.
        with contextlib.suppress(ValueError, TypeError, IndexError):
            number, *outcome = json.loads(line)
            if outcome:
                found[origins[number]] = str(outcome[0])
            else:
                imported.add(origins[number])
    return _Trial(found, frozenset(imported), _reason(process, hung, seconds), hung)


def _ends(process: subprocess.Popen[bytes], results: Path, seconds: float) -> bool:
    """Wait until a process ends, and return False if it writes no result for too long."""
    size, since = 0, time.monotonic()
    while True:
        try:
            process.wait(_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            if (now := results.stat().st_size) != size:
                size, since = now, time.monotonic()
            elif time.monotonic() - since > seconds:
                return False
        else:
            return True


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    if hasattr(os, "killpg"):  # with all that it has started; it leads a group of its own
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


def _reason(process: subprocess.Popen[bytes], hung: bool, seconds: float) -> str:
    if hung:
        return f"does not end within {seconds:g} s"
    code = process.returncode
    return (
        f"ends the process by {signal.Signals(-code).name}" if code < 0 else f"ends the process with exit code {code}"
    )


def _imported_instead(origin: Origin) -> str:
    """Return the file that a component's module was imported from, if its distribution brings another one."""
    module = sys.modules.get(origin.module)
    imported = getattr(module, "__file__", None)
    if not isinstance(imported, str):
        return ""
    for file in _recorded_files(Path(origin.metadata), origin.module):
        if not file.samefile(imported):
            return printable(imported)
    return ""


def _recorded_files(metadata: Path, module: str) -> Iterable[Path]:
    """Return the file of a module by the list of files that an installation keeps; none without one."""
    stem = module.replace(".", "/")
    try:
        rows = csv.reader(contents(metadata / "RECORD").decode("utf-8").splitlines())
        names = [row[0] for row in rows if row]
    except (OSError, ValueError, csv.Error):
        return []
    files = [metadata.parent / name for name in names if name in {f"{stem}.py", f"{stem}/__init__.py"}]
    return [file for file in files if file.is_file()]
