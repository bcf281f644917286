"""What the tests of our own plugins share."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def without_new_processes(without_imports: None) -> None:
    """Leave out the imports in new processes, which the checks of `itrans.testing` try."""
