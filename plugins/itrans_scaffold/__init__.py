"""Writes the package of a new plugin: what `itrans new-plugin` does."""
