"""Conditional GAN on class labels and noise (Mirza & Osindero, arXiv 1411.1784), and the GAN without labels.

`generators` has a generator that draws from noise, `discriminators` has one without convolutions, `datasets` has
scikit-learn's hand-written digits with their labels, and `idx` reads files such as those of MNIST. Recipes name them
`noise_mlp`, `mlp`, `digits` and `idx`.
"""
