"""What the tests of the checks share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from single_thread import single_thread as single_thread


@pytest.fixture
def faults_of() -> Callable[..., list[str]]:
    """Run a check that should fail, and return the sentences of its error, without the first line."""

    def call(check: Callable[..., None], component: Any, *rest: Any, **arguments: Any) -> list[str]:
        with pytest.raises(AssertionError) as error:
            check(component, *rest, **arguments)
        kind = check.__name__.removeprefix("check_")
        name = component if isinstance(component, str) else component.__name__
        head, *faults = str(error.value).splitlines()
        assert head == f"{name} is not what itrans asks of a {kind}:"
        assert faults
        assert all(fault.startswith("- ") for fault in faults)
        return [fault.removeprefix("- ") for fault in faults]

    return call


@pytest.fixture(autouse=True)
def without_new_processes(without_imports: None) -> None:
    """Leave out the imports in new processes, in all tests but those of the imports."""
