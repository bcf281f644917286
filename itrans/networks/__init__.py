"""How a generator is called: padding, noise, and what is random at test time."""
