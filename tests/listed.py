"""What `itrans list-plugins` prints."""

from __future__ import annotations

import json


def rows(itrans, *arguments):
    """Return the outcome of the command, and its rows by the components' names."""
    done = itrans("list-plugins", *arguments, "--json")
    return done, {row["name"]: row for row in json.loads(done.stdout)}
