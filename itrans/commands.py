"""All that a package which brings commands needs of itrans, besides `itrans.api`. Importing it is cheap.

A command is a function under `@click.command()`, named by an entry point of the group `itrans.commands`:

```python
import click
from itrans.commands import options


@click.command()
@click.argument("checkpoint")
@options.code
def size(checkpoint, code):
    "Show how many parameters a CHECKPOINT has."
    from itrans.commands import load_checkpoint

    options.import_code(code)
    for name, state in load_checkpoint(checkpoint).networks.items():
        click.echo(f"{name}: {sum(tensor.numel() for tensor in state.values()):,} parameters")
```

An `ItransError` becomes a message and an exit code; see docs/plugins.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from itrans.cli import console, options
from itrans.cli.memory import pause_collection
from itrans.files import folder_made, replacing, writing
from itrans.lazy import getter

if TYPE_CHECKING:
    from itrans.checkpoint.file import CheckpointFile as CheckpointFile
    from itrans.checkpoint.file import load_checkpoint as load_checkpoint
    from itrans.checkpoint.file import recorded_in as recorded_in
    from itrans.checkpoint.file import save_checkpoint as save_checkpoint
    from itrans.checkpoint.places import checkpoint_path as checkpoint_path
    from itrans.checkpoint.torch_files import read_torch_file as read_torch_file
    from itrans.cli.memory import keep_freed_memory as keep_freed_memory
    from itrans.cli.run import train as train
    from itrans.data.pairs import checked_pair as checked_pair
    from itrans.metrics import measuring as measuring
    from itrans.pictures.grid import Row as Row
    from itrans.pictures.grid import grid as grid
    from itrans.pictures.grid import table as table
    from itrans.recipe.changes import changes as changes
    from itrans.recipe.load import Recipe as Recipe
    from itrans.recipe.load import load_recipe as load_recipe
    from itrans.recipe.load import recipe_of as recipe_of
    from itrans.training import devices as devices
    from itrans.training import processes as processes
    from itrans.training.build import build_dataset as build_dataset
    from itrans.training.build import build_method as build_method
    from itrans.training.build import held_out_batches as held_out_batches
    from itrans.training.record import RunFolder as RunFolder
    from itrans.training.resuming import pairs_digest as pairs_digest
    from itrans.translating.translator import Translator as Translator
else:
    _attribute = getter(
        __name__,
        {
            "itrans.checkpoint.file": ("CheckpointFile", "load_checkpoint", "recorded_in", "save_checkpoint"),
            "itrans.checkpoint.places": ("checkpoint_path",),
            "itrans.checkpoint.torch_files": ("read_torch_file",),
            "itrans.cli.memory": ("keep_freed_memory",),
            "itrans.cli.run": ("train",),
            "itrans.data.pairs": ("checked_pair",),
            "itrans.metrics": ("measuring",),
            "itrans.pictures.grid": ("Row", "grid", "table"),
            "itrans.recipe.changes": ("changes",),
            "itrans.recipe.load": ("Recipe", "load_recipe", "recipe_of"),
            "itrans.training": ("devices", "processes"),
            "itrans.training.build": ("build_dataset", "build_method", "held_out_batches"),
            "itrans.training.record": ("RunFolder",),
            "itrans.training.resuming": ("pairs_digest",),
            "itrans.translating.translator": ("Translator",),
        },
    )
    __getattr__ = pause_collection()(_attribute)  # most bring torch

__all__ = [
    "CheckpointFile",
    "Recipe",
    "Row",
    "RunFolder",
    "Translator",
    "build_dataset",
    "build_method",
    "changes",
    "checked_pair",
    "checkpoint_path",
    "console",
    "devices",
    "folder_made",
    "grid",
    "held_out_batches",
    "keep_freed_memory",
    "load_checkpoint",
    "load_recipe",
    "measuring",
    "options",
    "pairs_digest",
    "processes",
    "read_torch_file",
    "recipe_of",
    "recorded_in",
    "replacing",
    "save_checkpoint",
    "table",
    "train",
    "writing",
]
