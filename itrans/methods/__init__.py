"""Ways to train: what one step does with a batch."""
