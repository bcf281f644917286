"""The networks of spandrel, for restoration and super-resolution, as generators."""
