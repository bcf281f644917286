"""One picture followed through the networks of a checkpoint, as a page for somebody who reads the paper."""
