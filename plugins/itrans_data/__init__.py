"""The command `itrans data`: fetches and checks data sets."""
