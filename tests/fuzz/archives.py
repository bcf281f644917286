"""Broken archives: a good one with something changed, and some that were made to hurt.

`python tests/fuzz/archives.py --count 1000 --seed 1` prints those that itrans unpacks wrongly.
"""

from __future__ import annotations

import gzip
import io
import itertools
import random
import tarfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

from itrans.errors import OutputError
from itrans_data.unpacking import BadArchiveError, unpack

TOP = "facades"
PICTURES = {f"{TOP}/{split}/{number}.jpg": bytes(range(256)) * 9 for split in ("train", "val") for number in range(3)}
NAMES = [
    *(
        "",
        ".",
        "..",
        "/",
        "/etc/x",
        f"{TOP}",
        f"{TOP}/",
        f"{TOP}/../x",
        f"{TOP}/train",
        f"{TOP}/train/0.jpg",
        "other/x",
    ),
    *(f"{TOP}/train/0.jpg/x", f"{TOP}/{'d/' * 2000}x", f"{TOP}/{'n' * 300}", f"{TOP}/{'n' * 5000}", f"{TOP}/a\\..\\x"),
    *(f"{TOP}/\x1b[2J", f"{TOP}/\udcff.jpg", f"{TOP}/train/CON", f"{TOP}//train//1.jpg", f"./{TOP}/train/./1.jpg"),
]
KINDS = [
    tarfile.REGTYPE,
    tarfile.DIRTYPE,
    tarfile.LNKTYPE,
    tarfile.SYMTYPE,
    tarfile.CHRTYPE,
    tarfile.FIFOTYPE,
    b"S",
    b"~",
]


def packed(members: list[tuple[tarfile.TarInfo, bytes]], kind: int = tarfile.PAX_FORMAT) -> bytes:
    """Return a `.tar.gz` of members with their contents."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w", format=kind, errors="surrogateescape") as archive:
        for member, content in members:
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(whole.getvalue(), 1)


def member(
    name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = ""
) -> tuple[tarfile.TarInfo, bytes]:
    """Return a member of an archive with its content."""
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.size = kind, link, len(content)
    return made, content


def good() -> list[tuple[tarfile.TarInfo, bytes]]:
    """Return the members of a data set."""
    return [member(name, content) for name, content in PICTURES.items()]


def nasties() -> Iterator[tuple[str, bytes]]:
    """Yield archives that were made to hurt, with what is wrong with them."""
    for name in NAMES:
        for kind in KINDS[:4]:
            yield f"{kind!r} {name[:40]!r}", packed([*good(), member(name, kind=kind, link=f"{TOP}/train/0.jpg")])
            yield f"{kind!r} {name[:40]!r} first", packed([member(name, kind=kind, link=f"{TOP}/train/0.jpg"), *good()])
        yield f"a link to {name[:40]!r}", packed([*good(), member(f"{TOP}/link", kind=tarfile.LNKTYPE, link=name)])
    yield "a link to itself", packed([*good(), member(f"{TOP}/link", kind=tarfile.LNKTYPE, link=f"{TOP}/link")])
    yield "zeros", packed([*good(), member(f"{TOP}/train/zeros.jpg", bytes(130_000_000))])
    yield "zeros after the end", packed(good()) + gzip.compress(bytes(150_000_000), 1)
    yield "3,000 empty files", packed([*good(), *(member(f"{TOP}/train/{n}_.jpg") for n in range(3000))])
    for key, value in {
        "mtime": "1e300",
        "size": "-1",
        "size ": "9" * 30,
        "path": "a\0b",
        "uid": "x",
        "GNU.sparse.map": "a",
    }.items():
        odd = member(f"{TOP}/train/odd.jpg", b"x")
        odd[0].pax_headers = {key.strip(): value}
        yield f"{key} = {value[:10]!r}", packed([*good(), odd])
    for kind in (b"x", b"g", b"L", b"K", b"S"):
        header = tarfile.TarInfo("long")
        header.type, header.size = kind, 2**33
        start = header.tobuf(tarfile.GNU_FORMAT)
        yield f"a header {kind!r} of gigabytes", gzip.compress(start + bytes(20_000_000), 1)
    huge = member(f"{TOP}/train/huge.jpg")[0]
    huge.size = 2**50
    yield "a file of a petabyte", gzip.compress(huge.tobuf(tarfile.GNU_FORMAT) + bytes(10_000), 1)
    yield "nothing", b""
    yield "no gzip", b"hello" * 1000


def mutated(chance: random.Random) -> bytes:
    """Return an archive with a few bytes changed, before or after it was compressed, or with odd members."""
    members = good()
    for _ in range(chance.randrange(3)):
        name = chance.choice([*NAMES, *PICTURES])
        odd = member(name, b"x" * chance.choice([0, 1, 600]), chance.choice(KINDS), chance.choice([*NAMES, *PICTURES]))
        odd[0].mode, odd[0].mtime = chance.choice([0, 0o644, 0o7777]), chance.choice([0, -1, 2**40])
        members.insert(chance.randrange(len(members) + 1), odd)
    plain = bytearray(gzip.decompress(packed(members, chance.choice([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]))))
    if chance.random() < 0.5:
        for _ in range(chance.choice([1, 3, 20])):
            header = 512 * chance.randrange(len(plain) // 512)
            plain[min(header + chance.randrange(512), len(plain) - 1)] = chance.randrange(256)
            total = sum(plain[header : header + 148]) + 256 + sum(plain[header + 156 : header + 512])
            if chance.random() < 0.7:  # else the checksum gives it away
                plain[header + 148 : header + 156] = b"%06o\0 " % total
    whole = bytearray(gzip.compress(bytes(plain), 1))
    if chance.random() < 0.3:
        whole[chance.randrange(len(whole))] = chance.randrange(256)
    return bytes(whole[: chance.choice([len(whole), len(whole), chance.randrange(len(whole))])])


def cases(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield so many archives: first those that were made to hurt, in a random order, then mutations."""
    chance = random.Random(seed)
    made = list(nasties())
    chance.shuffle(made)
    return itertools.islice(itertools.chain(made, (("mutated", mutated(chance)) for _ in itertools.count())), count)


def fault(content: bytes, folder: Path) -> str | None:
    """Return what is wrong with how an archive is unpacked; None if it is unpacked whole, or refused without a trace.

    Args:
        content: the archive.
        folder: an empty one.
    """
    archive, inside = folder / "archive.tar.gz", folder / "inside"
    archive.write_bytes(content)
    inside.mkdir()
    began = time.monotonic()
    try:
        unpack(archive, TOP, inside / TOP, lambda _: None)
        left = {TOP}
    except (BadArchiveError, OutputError) as error:
        left = set()
        if not str(error).isprintable() or len(str(error)) > 1000:
            return f"its message: {error!r:.300}"
    except BaseException:
        return traceback.format_exc(limit=-3)
    if (seconds := time.monotonic() - began) > 10:
        return f"it takes {seconds:.1f} s"
    if {path.name for path in inside.iterdir()} != left or {path.name for path in folder.iterdir()} != {
        archive.name,
        inside.name,
    }:
        return f"it leaves {sorted(path.name for path in (*folder.iterdir(), *inside.iterdir()))}"
    links = [path for path in inside.rglob("*") if path.is_symlink()]
    return f"it has links: {links}" if links else None


if __name__ == "__main__":
    from trying import try_many  # beside this file, where a script looks first

    try_many(__doc__, cases, lambda _, content, folder: fault(content, folder))
