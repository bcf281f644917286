"""Data sets that are published: the six archives of the Pix2Pix paper, and the files of MNIST and Fashion-MNIST."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Archive:
    """One published data set, each picture of which holds source and target side by side.

    Attributes:
        name: of the data set, of its folder and, with `.tar.gz`, of its file.
        description: what is translated into what.
        pairs: how many pairs there are to train on, as the paper counts them.
    """

    name: str
    description: str
    pairs: str


ARCHIVES = {
    archive.name: archive
    for archive in (
        Archive("cityscapes", "label maps of German streets <-> photos", "2,975"),
        Archive("edges2handbags", "edges of handbags -> photos", "about 137,000"),
        Archive("edges2shoes", "edges of shoes -> photos", "about 50,000"),
        Archive("facades", "label maps of house fronts <-> photos", "400"),
        Archive("maps", "street maps <-> aerial photos", "1,096"),
        Archive("night2day", "photos at night -> the same places by day", "17,823"),
    )
}


@dataclass(frozen=True)
class FileSet:
    """One published data set of several files, which stay as they are.

    Attributes:
        name: of the data set and of its folder.
        description: what it has.
        pairs: how many pictures there are to train on.
        url: the folder that they are published in.
        files: the MD5 checksum of each file by its name, as published.
    """

    name: str
    description: str
    pairs: str
    url: str
    files: Mapping[str, str]


# The checksums are those of torchvision's MNIST and of the README of zalandoresearch/fashion-mnist. MNIST is fetched
# from the mirror that torchvision uses.
FILE_SETS = {
    files.name: files
    for files in (
        FileSet(
            "fashion_mnist",
            "pictures of ten kinds of clothes",
            "60,000",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
            {
                "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
                "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
                "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
                "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
            },
        ),
        FileSet(
            "mnist",
            "hand-written digits",
            "60,000",
            "https://ossci-datasets.s3.amazonaws.com/mnist",
            {
                "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
                "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
                "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
                "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
            },
        ),
    )
}


def how_to_get(root: str) -> str:
    """Return the command that downloads the data set of this folder; empty if there is none."""
    folder = Path(root)
    if folder.name not in ARCHIVES and folder.name not in FILE_SETS:
        return ""
    where = "" if folder.parent == Path("datasets") else f" -o {folder.parent}"
    return f"itrans data fetch {folder.name}{where}"
