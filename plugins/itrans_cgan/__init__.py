"""Conditional GAN on class labels and noise (Mirza & Osindero, arXiv 1411.1784), and the GAN without labels.

`generators` has a generator that draws from noise, `discriminators` has one without convolutions, and `datasets` has
scikit-learn's hand-written digits with their labels. Recipes name them `noise_mlp`, `mlp` and `digits`.
"""
