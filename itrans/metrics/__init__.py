"""What is measured of an output against its target."""
