"""What a member's text means: the words that stop, those that ask for help, and what a person has to read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.outreach.contacts.replies import Reply, read_reply

REGULATION = ("stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe")
"""47 CFR 64.1200(a)(10), in its words."""
FRAMES = ("{}", "{}.", "  {}!!\n", "please {}", "{} please", "{}, thank you", "Hello, {} now", "por favor {}", "{} ya")


@pytest.mark.parametrize("word", REGULATION)
@pytest.mark.parametrize("frame", FRAMES)
def test_every_word_of_the_regulation_stops(word: str, frame: str) -> None:
    """Each word that the regulation names stops, in capitals or not, with or without courtesy and punctuation."""
    for spelt in (word, word.upper(), word.title()):
        assert read_reply(frame.format(spelt)) is Reply.STOP


@pytest.mark.parametrize(
    "text",
    [
        "Opt-out",
        "OPTOUT",
        "STOPALL",
        "stop stop stop",
        "S T O P",
        "S.T.O.P.",
        "ＳＴＯＰ",
        "st\u200bop",
        "Don’t call me",
        "don't text me anymore",
        "Do not contact me again!",
        "stop calling",
        "Stop texting me, please",
        "Quit messaging me",
        "Please remove me from your list",
        "take me off this list",
        "take my number off your list",
        "no more texts",
        "leave me alone",
        "never call me again",
        "I want to unsubscribe",
        "lose my number",
        "stop\nhelp",
        "I revoke my consent",
        "alto",
        "PARE",
        "Parar por favor",
        "basta ya",
        "cancelar",
        "No me llame más",
        "no me llamen",
        "No me manden más mensajes",
        "no me escriba mas",
        "deje de llamarme",
        "dejen de enviarme mensajes",
        "Quiero darme de baja",
        "baja",
        "Bórreme de su lista",
        "quíteme de la lista",
        "no quiero más mensajes",
        "no más llamadas",
        "Déjeme en paz",
    ],
)
def test_reasonable_wordings_stop(text: str) -> None:
    """Plain wordings of the same wish stop as well, in English and in Spanish, however they are spelt and accented."""
    assert read_reply(text) is Reply.STOP


@pytest.mark.parametrize("text", ["HELP", "help me please", "Info", "Ayuda", "ayúdeme por favor", "información"])
def test_help_is_told_from_stop(text: str) -> None:
    """A text that asks only for help is answered as such."""
    assert read_reply(text) is Reply.HELP


@pytest.mark.parametrize(
    "text",
    [
        "don't stop",
        "Please do not stop texting me",
        "never stop calling",
        "no pare",
        "no deje de llamarme",
        "cancel my appointment",
        "Can I cancel on Friday?",
        "no me llame por la mañana",
        "do not call before noon",
        "stop by the clinic?",
        "bus stop",
        "the end of the month",
        "para mi mamá",
        "end of story, call my son",
        "why did you stop",
        "yes",
        "no",
        "STPO",
        "who is this",
        "I can't help it",
        "stop unless it is about my booking",
        "quit smoking",
        "please",
        "",
        "   ",
        "🛑",
        "1",
        "sí",
        "停",
    ],
)
def test_what_is_not_wholly_understood_is_for_a_person(text: str) -> None:
    """A text with one word beyond those that are known, a denial or a condition among them, is read by a person."""
    assert read_reply(text) is Reply.UNCLEAR


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    """Whatever is written has a reading, and neither case nor surrounding space changes it."""
    assert read_reply(f" {text}\n") is read_reply(text)


@given(
    st.sampled_from(REGULATION), st.sampled_from(("not", "dont", "never", "no", "if", "unless", "after", "appointment"))
)
def test_an_unknown_word_beside_a_stop_word_is_never_passed_over(word: str, other: str) -> None:
    """One word that turns or narrows the wish, before it or behind it, takes the decision from the machine."""
    assert read_reply(f"{other} {word}") is Reply.UNCLEAR
    assert read_reply(f"{word} {other}") is Reply.UNCLEAR


def test_a_long_text_is_read_in_linear_time() -> None:
    """A hundred thousand words are read at once, whichever way they could be put together."""
    assert read_reply("do not call me no more " * 20_000 + "tomorrow") is Reply.UNCLEAR
