"""High resolution: parts of pix2pixHD (Wang et al., arXiv 1711.11585)."""
