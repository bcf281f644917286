"""Unpaired translation with cycle consistency (Zhu et al., arXiv 1703.10593), as a method plugin."""
