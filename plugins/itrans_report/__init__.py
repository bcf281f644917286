"""A page for every run, and pages that lay several runs side by side."""
