"""`itrans doctor`: what this machine and this installation are like, and what to do about what is wrong."""
