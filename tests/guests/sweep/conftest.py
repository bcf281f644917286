"""What the tests of several commands need."""

from __future__ import annotations

import pytest


@pytest.fixture
def recipes(recipe, tmp_path):
    """The tiny recipe, and one that extends it without a discriminator."""
    (tmp_path / "l1.toml").write_text(
        f'extends = "{recipe.name}"\nwithout = ["discriminator"]\n[[loss]]\nname = "l1"\nweight = 100.0\n'
    )
    return [recipe.name, "l1.toml"]
