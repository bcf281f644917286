"""What commands print."""

from __future__ import annotations

import json


def json_of(done):
    """Return the JSON that a command has printed; it has to have gone well."""
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)
