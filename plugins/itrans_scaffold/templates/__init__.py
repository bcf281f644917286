"""The modules of a new plugin, as they stand: checked, typed and tested where they are.

`Template` at the beginning of a class's name is all that differs from the modules that are written.
"""
