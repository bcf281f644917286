"""StarGAN: one generator for several domains, trained without pairs (Choi et al., arXiv 1711.09020).

`method` trains it, `losses` has the Wasserstein loss, and `datasets` has pictures in a folder for each domain, and
drawn faces in four colours. Recipes name them `stargan`, `wasserstein`, `domains` and `coloured_faces`.
"""
