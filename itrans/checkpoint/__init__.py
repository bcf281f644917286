"""The file that a run leaves: written whole, read without running code."""
