"""Makes checkpoints from weights that another program has saved."""
