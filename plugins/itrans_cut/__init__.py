"""Contrastive unpaired translation (Park et al., arXiv 2007.15651): CUT and FastCUT."""
