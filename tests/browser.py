"""The machine's Chromium, for tests of what pages do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    *("no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking"),
    *("disable-component-update", "disable-sync"),
)


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """A browser of Playwright's; without one the test is skipped, but fails where `CI` is set."""
    place = next((found for name in NAMES if (found := shutil.which(name))), None)
    give_up = pytest.fail if os.environ.get("CI") else pytest.skip
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        give_up("playwright is not installed: pip install 'itrans[dev]'")
    if place is None:
        give_up(f"there is no browser here: none of {', '.join(NAMES)}")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=place, args=[f"--{name}" for name in ARGUMENTS])
        yield started
        started.close()
