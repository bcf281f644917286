"""Drawn facades with their label maps: a data set that needs no download."""
