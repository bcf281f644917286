"""What to say when a library that measures cannot be imported."""

from __future__ import annotations

import contextlib
import traceback
from typing import TYPE_CHECKING

from itrans.errors import LibraryError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def fitting_torchvision() -> Iterator[None]:
    """Say what is wrong where a library cannot be imported for want of a torchvision that fits.

    Each torchvision is built for one torch: with another one, its import raises one thing or another.

    Raises:
        LibraryError: instead of that.
    """
    try:
        yield
    except (ImportError, RuntimeError, OSError, AttributeError) as error:
        places = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]
        if "torchvision" not in str(error) and not any("torchvision" in place for place in places):
            raise
        raise LibraryError(
            f"The installed torchvision does not fit the installed torch: {error}\n"
            f"Reinstall both from one place: {_MATCHING} (without --index-url for builds with CUDA)"
        ) from error


_MATCHING = "pip install --force-reinstall torch torchvision --index-url https://download.pytorch.org/whl/cpu"
