"""itrans: image-to-image translation whose every component is a plugin."""

__version__ = "0.1.0"
