"""Backbones of timm as generators, discriminators and losses."""
