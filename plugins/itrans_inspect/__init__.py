"""Shows the networks of a recipe without training them: layers, receptive fields and figures."""
