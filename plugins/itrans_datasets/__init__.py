"""Data sets of pairs: pictures side by side, two folders, and a sample that can be drawn anywhere."""
