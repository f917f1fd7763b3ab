"""What messages say, by template and language. Pure; the sentences are data: `templates/`, each file with its version.
What no message may hold is found when the files are read: words about health, unknown placeholders, a text message that
is longer than one."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import TypeAdapter

from schemas.outreach_v1 import Channel

_FOLDER = Path(__file__).parent
LANGUAGES: Final = ("en", "es")
LONGEST_PLAN, LONGEST_TELEPHONE = 30, 14
PLACEHOLDERS: Final[Mapping[str, str]] = {"plan": "x" * LONGEST_PLAN, "telephone": "0" * LONGEST_TELEPHONE}
"""All that stands for something else in a template, each at its longest."""
GSM7: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_TWICE: Final = frozenset("\f^{}\\[~]|€")
"""3GPP TS 23.038: the letters of a text message, and those that take the place of two."""
ONE, PART = {True: 160, False: 70}, {True: 153, False: 67}
"""How many letters one text message holds, and one of several: of these letters, else of UCS-2."""
STOP_WORD: Final = "STOP"


class Purpose(StrEnum):
    """What a message is for: to reach the member, or to answer what he has just written."""

    OUTREACH = "outreach"
    CONFIRMS_STOP = "confirms-stop"
    HELP = "help"


@dataclass(frozen=True, slots=True)
class Email:
    """An e-mail's subject and text."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Template:
    """A file: the sentences by language, of text messages and of e-mails where there are any."""

    version: int
    effective_on: date
    purpose: Purpose
    text: Mapping[str, str]
    email: Mapping[str, Email] | None = None

    def serves(self, channel: Channel) -> bool:
        return channel is Channel.TEXT or (channel is Channel.EMAIL and self.email is not None)


@dataclass(frozen=True, slots=True)
class Worded:
    """What is sent: its language, and what it says."""

    language: str
    subject: str
    body: str


def worded(template: Template, channel: Channel, language: str, said: Mapping[str, str]) -> Worded:
    """The template's sentences in the member's language, English where there are none."""
    spoken = language.partition("-")[0].lower()
    chosen = spoken if spoken in LANGUAGES else LANGUAGES[0]
    if channel is Channel.TEXT:
        return Worded(chosen, "", template.text[chosen].format_map(said))
    assert template.email is not None, "who queues asks whether the template serves the channel"
    email = template.email[chosen]
    return Worded(chosen, email.subject.format_map(said), email.body.format_map(said))


def segments(text: str) -> int:
    """How many text messages it takes."""
    is_gsm7 = all(char in GSM7 or char in GSM7_TWICE for char in text)
    units = len(text.encode("utf-16-le")) // 2
    length = sum(1 + (char in GSM7_TWICE) for char in text) if is_gsm7 else units
    return 1 if length <= ONE[is_gsm7] else -(-length // PART[is_gsm7])


def load_health_words(path: Path = _FOLDER / "health_words.yaml") -> frozenset[str]:
    return frozenset(yaml.safe_load(path.read_text("utf-8"))["words"])


HEALTH_WORDS: Final = load_health_words()


def health_words(text: str) -> list[str]:
    """The words of a text that tell something of somebody's health."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", text) if unicodedata.category(char) != "Mn")
    return [word for word in re.findall(r"[a-z]+", plain.casefold()) if word in HEALTH_WORDS or _begins_so(word)]


def _begins_so(word: str) -> bool:
    return any(f"{word[:length]}-" in HEALTH_WORDS for length in range(1, len(word) + 1))


def faults(template: Template) -> Iterator[str]:
    """What is wrong with it."""
    if set(template.text) != set(LANGUAGES) or set(template.email or template.text) != set(LANGUAGES):
        yield f"expected {', '.join(LANGUAGES)}"
    mails = [part for mail in (template.email or {}).values() for part in (mail.subject, mail.body)]
    texts = [*template.text.values(), *mails]
    if unknown := {one for text in texts for one in re.findall(r"\{([^{}]*)\}", text)} - set(PLACEHOLDERS):
        yield f"unknown placeholders: {', '.join(sorted(unknown))}"
        return
    if found := [word for text in texts for word in health_words(text.format_map(PLACEHOLDERS))]:
        yield f"words about health: {', '.join(found)}"
    for text in template.text.values():
        if segments(text.format_map(PLACEHOLDERS)) > 1:
            yield "a text that is longer than one message"
        if template.purpose is not Purpose.CONFIRMS_STOP and STOP_WORD not in text:
            yield "a text that does not say how to stop"
    for mail in (template.email or {}).values():
        if "{telephone}" not in mail.body:
            yield "an e-mail that does not say how to stop"


def read_template(said: Any) -> Template:
    """A template that has no fault; a ValueError for another."""
    template = TypeAdapter(Template).validate_python(said)
    if found := list(faults(template)):
        raise ValueError("; ".join(found))
    return template


def load_templates(folder: Path = _FOLDER / "templates") -> Mapping[str, Template]:
    """All of them by name; a ValueError for one with a fault."""
    return {path.stem: read_template(yaml.safe_load(path.read_text("utf-8"))) for path in sorted(folder.glob("*.yaml"))}


TEMPLATES: Final = load_templates()
STOP_HEARD, HELP = "stop-heard", "help"
FOR_OUTREACH: Final = sorted(name for name, one in TEMPLATES.items() if one.purpose is Purpose.OUTREACH)
