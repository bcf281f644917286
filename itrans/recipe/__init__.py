"""From a recipe's TOML text to a checked `Recipe`."""
