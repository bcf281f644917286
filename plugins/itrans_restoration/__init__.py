"""Restoring pictures: a generator whose outputs are larger than what it is given.

`generators` has EDSR (Lim et al., arXiv 1707.02921), which recipes name `edsr`.
"""
