"""SPADE, or GauGAN: label maps -> photographs, with a map that reaches every layer; Park et al., arXiv 1903.07291.

`generators` has the generator, `method` trains it together with an encoder of styles. Recipes name both `spade`.
"""
