"""What somebody else's code raises while it works, as an error that says who, what and where."""

from __future__ import annotations

import contextlib
import traceback
from typing import TYPE_CHECKING

import torch

from itrans.errors import ItransError, PluginError, RoomError, error_text

if TYPE_CHECKING:
    from collections.abc import Iterator

_ALLOCATOR = "DefaultCPUAllocator"
"""What torch's error begins with where the CPU's memory does not do; it is no other than a RuntimeError."""

_SHARED_GRAPH = ("backward through the graph a second time", "has been modified by an inplace operation")
"""What torch says where a backward pass needs what another has freed, or an optimiser has changed."""


@contextlib.contextmanager
def at_work(who: str) -> Iterator[None]:
    """Raise an `ItransError` in place of whatever is raised in the block; Ctrl-C is let through.

    `who` says who works there; the message begins with it.

    Raises:
        RoomError: there is not enough memory.
        PluginError: anything else, SystemExit too, which would pass for a good end.
    """
    try:
        yield
    except (Exception, SystemExit) as error:
        raise failure(error, who) from error


def failure(error: BaseException, who: str) -> ItransError:
    """Return an error as one of itrans: itself if it is one; see `at_work`."""
    if isinstance(error, ItransError):
        return error
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or _ALLOCATOR in str(error):
        reason = (str(error).splitlines() or ["the system gave none"])[0].partition(". GPU ")[0].rstrip(".")
        return RoomError(f"{who} has run out of memory: {reason}.")
    told = f"{who} has failed{_place(error)}: {error_text(error)}"
    advice = advice_on(error)
    return PluginError("\n".join([told, *([advice] if advice else []), "itrans --debug shows the traceback."]))


def advice_on(error: BaseException) -> str:
    """Return a sentence on what may be behind an error of torch's, where its own words do not help; else an empty one.

    Of two updates in a step the first ends with the weights changed and its graph freed.
    """
    if isinstance(error, RuntimeError) and any(words in str(error) for words in _SHARED_GRAPH):
        return (
            "Do two updates go back through one output? Give the discriminator's update output.detach(): the graph of "
            "the output is the generator's."
        )
    return ""


def _place(error: BaseException) -> str:
    """Return the innermost file and line of the traceback that are not torch's, where there is one."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/torch/" not in frame.filename]
    return f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
