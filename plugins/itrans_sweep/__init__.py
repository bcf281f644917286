"""Several runs side by side: what each of them is, whether it is done, and one table of what they have reached."""
