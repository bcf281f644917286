"""Conditional GAN on class labels and noise (Mirza & Osindero, arXiv 1411.1784), and the GAN without labels."""
