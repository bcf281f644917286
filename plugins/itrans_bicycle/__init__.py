"""BicycleGAN: one source, many outputs, each from a code; Zhu et al., arXiv 1711.11586.

`method` trains a generator that takes a code besides the source, and an encoder that finds the code of a picture.
`generators` has a U-Net that is given the code at every layer. Recipes name them `bicycle` and `latent_unet`.
"""
