"""What messages say: how long they are, in which language, and what none of them holds."""

from typing import Any

import pytest

from schemas.outreach_v1 import Channel
from services.outreach.messages.senders import read_senders
from services.outreach.messages.wording import (
    PLACEHOLDERS,
    TEMPLATES,
    Purpose,
    faults,
    health_words,
    read_template,
    segments,
    worded,
)

SAID = {"plan": "Lakeshore", "telephone": "800-555-0100"}
FITS: dict[str, Any] = {
    "version": 1, "effective_on": "2026-11-01", "purpose": "outreach",
    "text": {"en": "{plan}: call {telephone}. STOP", "es": "{plan}: llame al {telephone}. STOP"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("ñ" * 160, 1),
        ("á" * 70, 1),
        ("á" * 71, 2),
        ("a" * 70 + "ó", 2),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("🛑" * 35, 1),
        ("🛑" * 36, 2),
        ("a" * 307, 3),
        ("", 1),
    ],
)
def test_text_messages_are_counted(text: str, count: int) -> None:
    """160 letters of GSM-7 or 70 of UCS-2 are one; letters of the extension and those beyond UCS-2 count twice."""
    assert segments(text) == count


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_a_template_fits_with_the_longest_names(name: str) -> None:
    """Each text message is one message of at most 160 letters in both languages, and nothing else is wrong with it."""
    template = TEMPLATES[name]
    assert list(faults(template)) == []
    for text in template.text.values():
        assert segments(text.format_map(PLACEHOLDERS)) == 1
        assert len(text.format_map(PLACEHOLDERS)) <= 160


@pytest.mark.parametrize("language", ["es", "es-MX", "ES"])
def test_a_member_reads_his_language(language: str) -> None:
    """A tag of Spanish gives Spanish, whatever its region."""
    assert worded(TEMPLATES["help"], Channel.TEXT, language, SAID).language == "es"


@pytest.mark.parametrize("language", ["", "en", "vi", "zh-Hant"])
def test_who_speaks_another_language_reads_english(language: str) -> None:
    """Where there is no template in the member's language it is English."""
    found = worded(TEMPLATES["please-call"], Channel.EMAIL, language, SAID)
    assert found.language == "en"
    assert "Lakeshore" in found.subject
    assert "800-555-0100" in found.body


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"en": "{plan}: your vaccine is due. STOP"}, "words about health: vaccine"),
        ({"en": "{plan}: FLU shots today. STOP"}, "words about health: flu, shots"),
        ({"es": "{plan}: su vacunación. STOP"}, "words about health: vacunacion"),
        ({"es": "{plan}: su próxima DOSIS. STOP"}, "words about health: dosis"),
        ({"en": "{first_name}, call us. STOP"}, "unknown placeholders: first_name"),
        ({"en": "{plan}: call {telephone}."}, "a text that does not say how to stop"),
        ({"en": "{plan} STOP " + "a" * 130}, "a text that is longer than one message"),
        ({"es": "{plan} STOP allá " + "a" * 40}, "a text that is longer than one message"),
        ({"vi": "{plan} STOP"}, "expected en, es"),
    ],
)
def test_a_template_with_a_fault_is_not_read(change: dict[str, str], fault: str) -> None:
    """A word about health, an unknown placeholder, too long a text, no way to stop, a language that is not kept."""
    read_template(FITS)
    with pytest.raises(ValueError, match=fault):
        read_template(FITS | {"text": FITS["text"] | change})


def test_an_email_says_how_to_stop() -> None:
    """One that names no telephone at which to say so is not read."""
    mail = {"subject": "From {plan}", "body": "Call {telephone}"}
    read_template(FITS | {"email": {"en": mail, "es": mail}})
    with pytest.raises(ValueError, match="an e-mail that does not say how to stop"):
        read_template(FITS | {"email": {"en": mail, "es": mail | {"body": "Hola"}}})


@pytest.mark.parametrize("text", ["please call", "llame al 800", "influence", "medley", "we tried", "flute"])
def test_plain_words_are_no_health_words(text: str) -> None:
    """What only begins like one of the list's whole words is not taken for it."""
    assert health_words(text) == []


def test_the_confirmation_of_a_stop_offers_nothing() -> None:
    """It names no telephone to call and asks for nothing: the plan's name alone stands for something."""
    [one] = [template for template in TEMPLATES.values() if template.purpose is Purpose.CONFIRMS_STOP]
    assert all("{telephone}" not in text and "{plan}" in text for text in one.text.values())


@pytest.mark.parametrize(
    "said",
    [
        "lakeshore: {name: 'Lakeshore ✨', telephone: 800-555-0100}",
        "lakeshore: {name: Lakeshore}",
        "lakeshore: {name: Lakeshore, telephone: 800-555-0100, emial: a@b.example}",
        "lakeshore: {name: " + "x" * 31 + ", telephone: 800-555-0100}",
        "lakeshore: [",
    ],
)
def test_a_sender_that_does_not_fit_is_not_read(said: str) -> None:
    """A name in letters that not every telephone has or that is too long, a missing or unknown field, no YAML."""
    with pytest.raises(ValueError):
        read_senders(said)
