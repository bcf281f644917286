"""The query of each request, and what is said of one that is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from itrans.api import did_you_mean, printable, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_OUTPUTS = 16
"""Of one request: pictures times samples."""

_MOST_CHARACTERS = 100


class Query(BaseModel):
    """What most requests take."""

    model_config = ConfigDict(extra="forbid")

    checkpoint: str | None = Field(None, description="One of those that /checkpoints lists; by default the first.")
    direction: str | None = Field(
        None, description="Which way, if the checkpoint translates both; by default the first."
    )


class SourceQuery(Query):
    """What a picture is read for."""

    prepare: bool = Field(False, description="Do to the picture what the data set did: draw lines, look up classes.")


class TranslationQuery(SourceQuery):
    """What is translated, and how it comes back."""

    seed: int | None = Field(None, ge=0, lt=2**53, description="Seed of dropout and noise; by default the server's.")
    samples: int = Field(
        1, ge=1, le=MOST_OUTPUTS, description="How many outputs of each picture: of this seed, the next ..."
    )
    view: Literal["stored", "shown"] = Field("stored", description="shown: as people look at it; classes in colours.")
    format: Literal["png", "npy"] = Field("png", description="npy: an array of NumPy, of any channels and type.")
    option: list[str] = Field([], description="NAME=VALUE, of the checkpoint's options; several may be given.")
    extra: list[str] = Field(
        [], alias="with", description="NAME=VALUE, of its extras that are not pictures; several may be given."
    )


class ExampleQuery(Query):
    """Which example is wanted, and how."""

    number: int = Field(0, ge=0, lt=2**31, description="From 0 on.")
    view: Literal["stored", "shown"] = Field("stored", description="shown: as people look at it; classes in colours.")
    format: Literal["png", "npy"] = Field("png", description="npy: an array of NumPy, of any channels and type.")


class Problem(BaseModel):
    """What is wrong with a request."""

    detail: str


class Health(BaseModel):
    """That the server is up, and what it serves."""

    status: Literal["ok"]
    checkpoints: list[str]


class ExampleCount(BaseModel):
    """How many examples there are."""

    count: int


def sentence_of(errors: Sequence[Any], known: Sequence[str]) -> str:
    """Return what is wrong with a query, all of it, where the known keys may be in it."""
    sentences = []
    for error in errors:
        key = printable(str(error["loc"][-1]))[:_MOST_CHARACTERS]
        if error["type"] == "extra_forbidden":
            there = f" There are: {', '.join(quoted(known))}." if known else ""
            sentences.append(f'There is no option "{key}".{did_you_mean(key, known)}{there}')
        else:
            given = printable(str(error.get("input")))[:_MOST_CHARACTERS]
            sentences.append(f'{key} is "{given}": {error["msg"]}.')
    return " ".join(sentences)
