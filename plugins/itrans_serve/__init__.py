"""The command `itrans serve`: a page on which one draws and sees the translation, and an HTTP API behind it."""
