"""What a recipe's networks are made of: their layers, receptive fields and figures, without any training."""
