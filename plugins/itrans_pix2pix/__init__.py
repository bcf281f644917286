"""Pix2Pix: the generators, the discriminator and the losses of Isola et al., arXiv 1611.07004.

`generators` has the U-Net and the encoder-decoder, `discriminators` PatchGAN of every patch size, `losses` the
objectives. Recipes name them `unet`, `encoder_decoder`, `patchgan`, `cgan`, `gan`, `l1` and `l2`.
"""
