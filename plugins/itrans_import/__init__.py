"""From weights that another program has saved to checkpoints."""
