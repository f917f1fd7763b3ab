"""What a member's answer to a text means. Pure; the words are data: `replies.yaml`."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import product
from pathlib import Path
from typing import Final

import yaml
from pydantic import TypeAdapter

APOSTROPHES: Final = frozenset("'’‘ʼ`´")


class Reply(StrEnum):
    """What is to be done: `unclear` is for a person at once, and nothing is sent before."""

    STOP = "stop"
    HELP = "help"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class _Words:
    """The file: phrases whose words may have alternatives."""

    version: int
    effective_on: date
    stop: Sequence[str]
    help: Sequence[str]
    filler: Sequence[str]


Phrase = tuple[str, ...]


def load_phrases(path: Path = Path(__file__).parent / "replies.yaml") -> Mapping[Phrase, Reply | None]:
    """Each phrase with what it says, None for nothing; a pydantic error for a file that does not fit."""
    words = TypeAdapter(_Words).validate_python(yaml.safe_load(path.read_text("utf-8")))
    said = ((words.filler, None), (words.help, Reply.HELP), (words.stop, Reply.STOP))
    return {phrase: reply for phrases, reply in said for one in phrases for phrase in _spelt_out(one)}


def _spelt_out(phrase: str) -> Iterator[Phrase]:
    return product(*(word.split("|") for word in phrase.split()))


PHRASES: Final = load_phrases()
LONGEST: Final = max(map(len, PHRASES))


def read_reply(text: str) -> Reply:
    """A stop where the text is made of known phrases only and one of them stops, though another asks for help: a stop
    too many costs a letter, one too few is a breach. One unknown word makes it unclear."""
    words = _words_of(text)
    found: list[frozenset[Reply] | None] = [frozenset()]
    for end in range(1, len(words) + 1):
        readings = []
        for begin in range(max(0, end - LONGEST), end):
            before, phrase = found[begin], tuple(words[begin:end])
            if before is not None and phrase in PHRASES:
                reply = PHRASES[phrase]
                readings.append(before if reply is None else before | {reply})
        found.append(frozenset().union(*readings) if readings else None)
    said = found[-1] or frozenset()
    return next((reply for reply in (Reply.STOP, Reply.HELP) if reply in said), Reply.UNCLEAR)


def _words_of(text: str) -> list[str]:
    """Without capitals, accents, apostrophes, punctuation and invisible characters. Letters that stand apart are one
    word."""
    kept = (_kept(char) for char in unicodedata.normalize("NFKD", text.replace("´", "'")).casefold())
    words = "".join(kept).split()
    return ["".join(words)] if len(words) > 1 and all(len(word) == 1 for word in words) else words


def _kept(char: str) -> str:
    if char in APOSTROPHES or unicodedata.category(char) in {"Mn", "Cf"}:
        return ""
    return " " if unicodedata.category(char)[0] in "PZC" else char
