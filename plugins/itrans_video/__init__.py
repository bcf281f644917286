"""Videos, which `itrans translate` translates by this package: the group `itrans.media`."""
