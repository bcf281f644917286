"""Broken recipes: those of the repository with something changed, and some that were made to hurt.

`python tests/fuzz/recipes.py --count 1000 --seed 1` prints those that itrans answers wrongly.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import string
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from itrans.errors import ItransError
from itrans.recipe.load import load_recipe

RECIPES = Path(__file__).parent.parent.parent / "recipes"
MOST_SECONDS = 8.0
MOST_CHARACTERS = 200_000

GOOD = """\
[dataset]
name = "aligned"
root = "data"
[generator]
name = "unet"
[[loss]]
name = "l1"
[train]
epochs = 2
"""


@dataclass(frozen=True)
class Case:
    """A recipe and how it is called.

    Attributes:
        name: for people.
        files: what to write into a new folder, by name; the recipe is `mine.toml`.
        overrides: of `--set`.
        path: of the recipe, where it is not that of the folder.
        sample: of `--sample`.
        prepare: makes of the folder what files cannot.
    """

    name: str
    files: dict[str, bytes] = field(default_factory=dict)
    overrides: tuple[str, ...] = ()
    path: str | None = None
    sample: bool | None = False
    prepare: Callable[[Path], object] = lambda _: None


VALUES = [
    *('""', "''", '"x"', "-1", "0", "1", "3", "0.5", "-0.0", "1e400", "1e-400", "inf", "-inf", "nan", "true", "false"),
    *(str(2**31), str(2**32), str(2**63), str(2**64), str(-(2**63) - 1), "1" * 5000, "0x" + "f" * 5000, "0b1", "1_0"),
    *(
        "[]",
        "{}",
        "[[]]",
        "[{}]",
        "[1, 'a']",
        "{ name = 1 }",
        '{ name = "" }',
        '{ name = "unet" }',
        "[" * 40 + "]" * 40,
    ),
    *("1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "1979-05-27 07:32:00.999999"),
    *(
        '"\\u0000"',
        '"\\u001b[2J"',
        '"\\uFFFF"',
        '"\N{SNOWMAN}"',
        '"' + "a" * 100_000 + '"',
        '"a/../../../../etc"',
        '"~"',
    ),
    *(
        '"C:\\Users"',
        '"\\d"',
        "'C:\\Users'",
        '"""a\n"""',
        "'''",
        '"',
        "[1, 2",
        "{ a = 1",
        "= 3",
        "",
        "#",
        "0755",
        "1.2.3",
    ),
    *('"itrans:unet"', '"a:b:c"', '":"', '"paired"', '"aligned"', '"cgan"', '"openmoji"', '"l1"'),
]
NAMES = [
    *("name", "weight", "extends", "without", "sample", "dataset", "generator", "loss", "train", "augment", "method"),
    *(
        "__class__",
        "model_config",
        "model_fields",
        "self",
        "split",
        "in_channels",
        "arguments",
        "table",
        "copy",
        "json",
    ),
    *(
        '""',
        '"a b"',
        '"\\u0000"',
        '"\\u001b[31m"',
        "'\N{SNOWMAN}'",
        "1",
        "-",
        "x" * 1000,
        "epochs",
        "lr",
        "size",
        "root",
    ),
]
KEYS = [
    *(
        "generator.name",
        "generator.depth",
        "generator.norm",
        "loss.0.weight",
        "loss.l1.weight",
        "loss",
        "loss.0",
        "title",
    ),
    *("train.epochs", "train.steps", "train.batch_size", "train.workers", "seed", "dataset", "dataset.root", "augment"),
    *("augment.size", "augment.crop", "augment.transform", "augment.transform.0.p", "optimizer.betas", "optimizer.lr"),
    *("schedule.decay_epochs", "schedule.name", "validation.patience", "log.every", "discriminator", "method.name", ""),
    *("epochs", "a.b.c.d", "sample.train", "extends", "without", '"a.b"', "generator", "loss.l2.weight", ".", "x y"),
]


def nasties() -> Iterator[Case]:
    """Yield recipes that were made to hurt."""

    def text(name: str, content: str | bytes, *overrides: str, **options: object) -> Case:
        encoded = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
        return Case(name, {"mine.toml": encoded, "base.toml": GOOD.encode()}, overrides, **options)

    thousands = "\n".join(f"key{number} = 1" for number in range(6000))
    yield text("nothing", b"")
    yield text("NUL", b"\0" * 100)
    yield text("no UTF-8", b"\xff\xfe\x00a")
    yield text("a surrogate", 'title = "\ud800"\n')
    yield text("lone carriage returns", GOOD.replace("\n", "\r"))
    yield text("2 MB", "#" * 2_000_000)
    yield text("a comment of nearly 1 MB", "#" * 999_000 + "\n" + GOOD)
    yield text("a text of nearly 1 MB", f'title = "{"a" * 990_000}"\n{GOOD}')
    yield text("escapes of nearly 1 MB", f'title = """{chr(92) + "n" * 1}{(chr(92) + "t") * 490_000}"""\n{GOOD}')
    yield text("quotes of nearly 1 MB", f'title = """{(chr(92) + chr(34) * 2) * 320_000}a"""\n{GOOD}')
    yield text("triple quotes that nobody ends", 'title = """' + '\\"""' * 200_000)
    yield text("6,000 unknown keys", f"{thousands}\n{GOOD}")
    yield text("6,000 unknown arguments", GOOD.replace('"unet"', f'"unet"\n{thousands}'))
    yield text("6,000 keys of a fixed table", f"{GOOD}{thousands}\n")
    yield text("200,000 keys", "\n".join(f"k{number}=1" for number in range(100_000)))
    yield text("6,000 tables", GOOD + "\n".join(f"[t{number}]\na=1" for number in range(6000)))
    yield text("40,000 losses", GOOD + '[[loss]]\nname="l1"\n' * 40_000)
    yield text("40,000 wrong losses", GOOD + "[[loss]]\nweight=-1\n" * 40_000)
    yield text("6,000 transforms", GOOD + '[[augment.transform]]\nname="Blur"\n' * 6000)
    yield text("10,000 brackets", "a = " + "[" * 10_000 + "]" * 10_000)
    yield text("10,000 braces", "a = " + "{a=" * 10_000 + "1" + "}" * 10_000)
    yield text("a key of 100,000 parts", ".".join("a" * 100_000) + " = 1")
    yield text("a header of 100,000 parts", "[" + ".".join("a" * 100_000) + "]")
    yield text("an inline key of 100,000 parts", "x = { " + ".".join("a" * 100_000) + " = 1 }")
    yield text(
        "many headers of some parts", "\n".join(f"[{'.'.join('abcdefghijkl')}.k{n}]\na.b=1" for n in range(20_000))
    )
    yield text("many dotted keys", "\n".join(f"a.b.c.d.e.f.k{number} = 1" for number in range(30_000)))
    yield text("a number of 5,000 digits", "seed = " + "1" * 5000 + "\n" + GOOD)
    yield text("a number of 100,000 hexadecimal digits", "seed = 0x" + "f" * 100_000 + "\n" + GOOD)
    yield text("a seed of 65 bits", f"seed = {2**64}\n{GOOD}")
    yield text("a name of 100,000 letters", GOOD.replace('"unet"', f'"{"u" * 100_000}"'))
    yield text("a key of 100,000 letters", f"{'k' * 100_000} = 1\n{GOOD}")
    for root in ("d" * 5000, "a\\u0000", "~nobody_of_that_name/x", "~"):
        path = GOOD.replace('"data"', f'"{root}"')
        yield text(f"the root {root[:30]}", path)
        yield text(f"the root {root[:30]} and a sample", f"{path}[sample]\nseed = 1\n", sample=None)
    yield text("the same key twice", GOOD + "epochs = 3\n")
    yield text("the same table twice", GOOD + GOOD)
    yield text("escapes of terminals", f'"\\u001b[2J\\u0007" = 1\n{GOOD}')
    yield text("a size of a billion", GOOD + "[augment]\nsize = 1000000000\n")
    yield text("a table for a name", GOOD.replace('"unet"', "{ a = 1 }"))
    for name in ("generator", "loss", "dataset", "train", "augment", "sample", "method", "optimizer", "title"):
        for value in ("1", '"x"', "[]", "[1]", "{}", "1979-05-27"):
            rest = GOOD.replace(f"[[{name}]]", "[x]").replace(f"[{name}]", "[y]")
            yield text(f"{name} = {value}", f"{name} = {value}\n{rest}")
    for value in (
        "a\\u0000",
        ".",
        "..",
        "/",
        "http://a/b.toml",
        "",
        "mine.toml",
        "a/" * 3000,
        "/dev/zero",
        "~",
        "~no/x",
    ):
        yield text(f"extends {value[:20]}", f'extends = "{value}"\n')
    yield text("extends a list", "extends = [1]\n")
    yield text("extends a loop", 'extends = "loop"\n', prepare=lambda folder: (folder / "loop").symlink_to("loop"))
    left_out = ", ".join(f"'{number}'" for number in range(100_000))
    yield text("100,000 tables left out", f'extends = "base.toml"\nwithout = [{left_out}]')
    chain = {f"{n}.toml": f'extends = "{n + 1}.toml"\n'.encode() for n in range(1000)}
    yield Case("a chain of 1,000", {"mine.toml": b'extends = "0.toml"\n', **chain})
    for crossed in (
        'schedule = { name = "linear", decay_epochs = 5 }',
        'schedule = { name = "linear" }',
        "augment = { size = 3, crop = 2 }",
        "augment = { resize = 3, crop = 4 }",
        "validation = { patience = 2, every = 0 }",
        "train = { epochs = 1, steps = 1 }",
        "train = {}",
        'method = { name = "cyclegan" }',
    ):
        name, _, value = crossed.partition(" = ")
        yield text(f"across a file's tables: {crossed}", f"{crossed}\n{GOOD.replace(f'[{name}]', '[y]')}")
        yield text(f"across --set: {crossed}", GOOD, f"{name}={value}")
        yield text(f"across files: {crossed}", f'extends = "base.toml"\n{crossed}\n')
        yield text(f"across the sample: {crossed}", f"{GOOD}[sample]\n{crossed}\n", sample=True)
    yield text("decay over --set", GOOD + '[schedule]\nname="linear"\ndecay_epochs=2\n', "train.epochs=1")
    for override in (
        "generator.name=", "", "=", "a", "=1", "seed=" + "1" * 5000, "title=" + "[" * 10_000, "a." * 5000 + "b=1",
        "title=\udcff", '"\udcff"=1', "title=\x1b[2J", "\x1b=1", "title=1\nseed=2", "title=\'\'\'",
        "title=x:" + "9" * 5000, "train.epochs=x:" + "9" * 5000, "generator.filters=1e400", "augment.size=[1]",
        "loss.99999999999999999999.weight=1", f"loss.{'9' * 5000}.weight=1", "loss.\N{SUPERSCRIPT TWO}.weight=1",
        "train.steps=1000000000000000000", "train.batch_size=1000000000", "generator." + "x" * 100_000 + "=1",
        "epochs=3", "loss.0=1", "loss=[]", f"seed={2**64}", "seed=-1", 'dataset.root="C:\\Users"',
    ):  # fmt: skip
        yield text(f"--set {override[:30]!r}", GOOD, override)
    yield text("100,000 --set", GOOD, *(f"k{number}=1" for number in range(100_000)))
    yield Case("a device", path="/dev/zero")
    yield Case("a folder", path=".")
    yield Case("no path", path="")
    yield Case("NUL in the path", path="a\0b.toml")
    yield Case("a long path", path="a/" * 3000)
    yield Case("a long name", path="a" * 300)
    yield Case("a pipe", prepare=lambda folder: os.mkfifo(folder / "mine.toml"))
    yield Case("a loop of links", prepare=lambda folder: (folder / "mine.toml").symlink_to("mine.toml"))
    yield Case("a file as a folder", {"file": b""}, path="file/mine.toml")


def mutated(chance: random.Random) -> Case:
    """Return a recipe of the repository with a few things changed, or with a `--set` that changes one."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(RECIPES.glob("*.toml"))]
    text, other = chance.choice([GOOD, *texts]), chance.choice(texts)
    for _ in range(chance.choice([1, 1, 2, 4])):
        text = chance.choice([_bytes, _lines, _value, _value, _key])(text, other, chance)
    overrides = tuple(f"{chance.choice(KEYS)}={chance.choice(VALUES)}" for _ in range(chance.choice([0, 0, 1, 2])))
    files = {path.name: path.read_bytes() for path in RECIPES.glob("*.toml")}
    content = text.encode("utf-8", "surrogatepass")
    return Case("mutated", {**files, "mine.toml": content}, overrides, sample=chance.choice([True, False, None]))


def _bytes(text: str, _: str, chance: random.Random) -> str:
    place = chance.randrange(len(text) + 1)
    symbols = string.printable + "\0\x1b\ud800\N{SNOWMAN}[]{}\"'=."
    return text[:place] + chance.choice(["", *symbols]) + text[place + chance.randrange(3) :]


def _lines(text: str, other: str, chance: random.Random) -> str:
    lines = text.split("\n")
    place = chance.randrange(len(lines))
    match chance.randrange(4):
        case 0:
            del lines[place]
        case 1:
            lines.insert(place, chance.choice(lines))
        case 2:
            lines.insert(place, chance.choice(other.split("\n")))
        case _:
            chance.shuffle(lines)
    return "\n".join(lines)


def _value(text: str, _: str, chance: random.Random) -> str:
    lines = text.split("\n")
    places = [place for place, line in enumerate(lines) if "=" in line] or [0]
    place = chance.choice(places)
    lines[place] = lines[place].partition("=")[0] + "= " + chance.choice(VALUES)
    return "\n".join(lines)


def _key(text: str, _: str, chance: random.Random) -> str:
    lines = text.split("\n")
    lines.insert(chance.randrange(len(lines) + 1), f"{chance.choice(NAMES)} = {chance.choice(VALUES)}")
    return "\n".join(lines)


def cases(count: int, seed: int) -> Iterator[Case]:
    """Yield so many cases: first those that were made to hurt, in a random order, then mutations."""
    chance = random.Random(seed)
    made = list(nasties())
    chance.shuffle(made)
    yield from itertools.islice(itertools.chain(made, (mutated(chance) for _ in itertools.count())), count)


def fault(case: Case, folder: Path) -> str | None:
    """Return what is wrong with how itrans answers to a case; None if it loads it, or says what is wrong with it.

    Args:
        case: what to try.
        folder: an empty one.
    """
    for name, content in case.files.items():
        (folder / name).write_bytes(content)
    case.prepare(folder)
    before, began = Path.cwd(), time.monotonic()
    os.chdir(folder)
    try:
        path = "mine.toml" if case.path is None else case.path
        load_recipe(path, overrides=case.overrides, sample=case.sample)
        said = path
    except ItransError as error:
        said = str(error)
    except BaseException:
        return traceback.format_exc(limit=-3)
    finally:
        os.chdir(before)
    seconds = time.monotonic() - began
    if seconds > MOST_SECONDS:
        return f"it takes {seconds:.1f} s"
    if not any(name in said for name in (path or ".", path[:20].partition("\0")[0], ".toml", "--set ")):
        return f"it names neither the file nor --set: {said[:300]}"
    if not said.replace("\n", "").isprintable() and path == "mine.toml":
        return f"it has control characters: {said[:300]!r}"
    return f"it has {len(said)} characters" if len(said) > MOST_CHARACTERS else None


def main() -> None:
    """Try many cases, and print those that are answered wrongly."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--times", action="store_true", help="print what takes more than a second, too")
    options = parser.parse_args()
    wrong = 0
    for number, case in enumerate(cases(options.count, options.seed)):
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            found = fault(case, Path(folder))
        seconds = time.monotonic() - began
        if found or (options.times and seconds > 1):
            print(f"{number}: {case.name}, {seconds:.1f} s, {case.overrides[:3]!r:.300}\n{found}\n", flush=True)
        if found:
            wrong += 1
            if case.name == "mutated":
                print(case.files["mine.toml"].decode("utf-8", "replace")[:3000])
    print(f"{wrong} of {options.count} are answered wrongly")


if __name__ == "__main__":
    main()
