"""From a checkpoint and pictures to pictures."""
