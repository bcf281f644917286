"""Runs several recipes one after the other, and compares them in one table."""
