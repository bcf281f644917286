"""`itrans init`: from a folder of pictures, or the name of a recipe that comes with itrans, to a recipe that trains."""
