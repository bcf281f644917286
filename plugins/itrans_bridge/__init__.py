"""Paired translation by a diffusion bridge from source to target (Li et al., arXiv 2205.07680), as a method plugin."""
