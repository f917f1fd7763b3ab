"""What each of two has once they are two again."""

import json
import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.eligibility.doses.parting import KeptReports, Parting, parted_reports
from services.eligibility.doses.reports import APPOINTMENT, REGISTRY, Report
from services.eligibility.intake.joins import Kept, document_of, kept_of
from services.eligibility.people.enrolment import Enrolment, Span
from services.eligibility.people.parting import Holders, KeptRows, Shares, Side, shared_out, unfolded, with_weighed
from services.eligibility.people.parting_words import as_agreed, as_reported, of_decision
from services.kit.parts import Part

ONE, OTHER = UUID(int=1), UUID(int=2)
PART = Part("answer", ("tenant_id", "code"))
NOON = datetime(2021, 3, 1, 12, tzinfo=UTC)


def entry(token: UUID, plan: str, **facts: Any) -> Enrolment:
    return Enrolment(UUID(int=token.int * 100 + len(plan)), token, plan, f"{plan}-1", **facts)


OMA: dict[str, Any] = {"family": "Sesame", "given": "Oma", "birth_on": date(1940, 5, 1)}
HOLDERS = Holders((entry(ONE, "lake"),), (entry(OTHER, "prairie"),))


def row(plan: str, code: str, value: int) -> dict[str, Any]:
    return {"tenant_id": plan, "code": code, "value": value}


def test_what_plans_say_is_as_if_they_had_never_been_one() -> None:
    """Whatever each plan said before and while two were one: afterwards each has what his own plan said, and both have
    what was said for all plans since."""
    draw = random.Random(3)
    for _ in range(400):
        alone: dict[str, dict[str, dict[str, Any]]] = {"lake": {}, "prairie": {}}

        def say(plan: str, no: int, alone: Any = alone) -> None:
            code = draw.choice("abc")
            alone[plan][code] = row(plan, code, no)

        for no in range(draw.randint(0, 6)):
            say(draw.choice(("lake", "prairie")), no)
        before = {plan: list(said.values()) for plan, said in alone.items()}
        made = [*before["lake"], *before["prairie"]]
        for no in range(10, 10 + draw.randint(0, 6)):
            say(draw.choice(("lake", "prairie")), no)
        now = [*alone["lake"].values(), *alone["prairie"].values(), row("*", "z", 99)]
        kept = KeptRows(before["lake"], before["prairie"], made)
        shares = shared_out(kept, now, PART.key_of, HOLDERS.of_row)
        for mine, plan in ((shares.survivor, "lake"), (shares.retired, "prairie")):
            assert sorted(mine, key=str) == sorted([*alone[plan].values(), row("*", "z", 99)], key=str)


def test_of_one_thing_that_both_had_each_has_his_own_again() -> None:
    """The join kept the one's word; untouched since, both have their own; changed since, it holds for both."""
    mine, his = row("*", "a", 1), row("*", "a", 2)
    kept = KeptRows([mine], [his], [his])
    assert shared_out(kept, [his], PART.key_of, HOLDERS.of_row) == Shares([mine], [his])
    newer = row("*", "a", 3)
    assert shared_out(kept, [newer], PART.key_of, HOLDERS.of_row) == Shares([newer], [newer])
    assert shared_out(kept, [], PART.key_of, HOLDERS.of_row) == Shares([], [])


def test_whose_a_row_is() -> None:
    """A plan's is its member's, where it lists both the survivor's; a number's is who bears it, a key's its owner's;
    a bound sender's is its plan's; a registry's is both's."""
    both = Holders((entry(ONE, "lake"),), (entry(OTHER, "lake", family_number="F9"),))
    assert HOLDERS.of_row({"tenant_id": "prairie"}) == {Side.RETIRED}
    assert both.of_row({"tenant_id": "lake"}) == {Side.SURVIVOR}
    assert both.of_row({"assigner": "X", "value": "F9"}) == {Side.RETIRED}
    assert HOLDERS.of_row({"assigner": "CAIR", "value": "C-1"}) == set()
    lived = Holders((entry(ONE, "lake", **OMA, zip5="90011"),), (entry(OTHER, "prairie", **OMA, zip5="94301"),))
    assert lived.of_row({"match_key": "SESAME|OMA|1940-05-01|94301"}) == {Side.RETIRED}
    assert lived.of_row({"match_key": "SESAME|OMA|1940-05-01|60609"}) == set()
    assert HOLDERS.of_row({"sender": "cair@prairie"}) == {Side.RETIRED}
    assert HOLDERS.of_row({"sender": "cair"}) == set(Side)


def died(source: str, plan: str, word: str = "deceased") -> dict[str, Any]:
    return {
        "source": source,
        "tenant_id": plan,
        "word": word,
        "reported_at": "then" if "roster" not in source else None,
    }


def test_a_death_is_weighed_for_both_and_doubted_where_it_may_be_eithers() -> None:
    """A worker's report goes to the one, and the other knows it as weighed; a death that a plan which lists both told
    since must be checked of the retired one."""
    report = died("attempt:1", "prairie", "possible")
    shares = with_weighed(Shares([], [report]), KeptRows([], [], []), HOLDERS)
    assert shares == Shares([report | {"word": "nothing"}], [report])
    both = Holders((entry(ONE, "lake"),), (entry(OTHER, "lake"),))
    told = died("roster:lake", "lake")
    shares = with_weighed(Shares([told], []), KeptRows([], [], []), both)
    assert shares == Shares([told], [told | {"word": "possible"}])
    assert with_weighed(Shares([told], []), KeptRows([told], [], [told]), both) == Shares([told], [])


def test_a_life_is_doubted_where_it_may_be_eithers() -> None:
    """A plan that lists both had told of the survivor's death, and since of a life: his death must be checked. Where he
    was not dead, or it is his alone, the word holds."""
    both = Holders((entry(ONE, "lake"),), (entry(OTHER, "lake"),))
    dead, lives = died("roster:lake", "lake"), died("roster:lake", "lake", "alive")
    kept = KeptRows([dead], [], [dead])
    assert with_weighed(Shares([lives], []), kept, both) == Shares([lives | {"word": "possible"}], [])
    assert with_weighed(Shares([lives], []), kept, HOLDERS) == Shares([lives], [])
    assert with_weighed(Shares([lives], []), KeptRows([], [], []), both) == Shares([lives], [])


def heard(word: str, source: str = "registry:cair", plan: str = "*", at: str = "then") -> dict[str, Any]:
    return {"source": source, "tenant_id": plan, "word": word, "death_on": None, "said_at": at}


@pytest.mark.parametrize(
    ("his", "now", "expected"),
    [
        ([], "deceased", [heard("possible")]),
        ([], "alive", []),
        ([heard("alive", at="before")], "deceased", [heard("possible")]),
        ([heard("deceased", at="before")], "alive", [heard("deceased", at="before")]),
        ([heard("deceased", at="before")], "deceased", [heard("deceased", at="before")]),
    ],
)
def test_a_registrys_word_is_of_whom_its_patient_agrees_with(
    his: list[dict[str, Any]], now: str, expected: list[dict[str, Any]]
) -> None:
    """A death that a registry told since must be checked of whom it knows by no report; that somebody lives tells
    nothing of him. What stood before the join, and a plan's own word, are as they were."""
    kept, shares = KeptRows([], his, his), Shares([heard(now)], [heard(now)])
    assert as_agreed(shares, kept, {"cair": {Side.SURVIVOR}}) == Shares([heard(now)], expected)
    assert as_agreed(shares, kept, {"cair": set(Side)}) == shares
    assert as_agreed(shares, kept, {"*": set(Side)}) == shares
    assert as_agreed(shares, KeptRows([], [], [heard(now)]), {}) == shares
    told = Shares([], [heard("deceased", "roster:lake", "lake"), heard("deceased", "registry:x@lake", "lake")])
    assert as_agreed(told, KeptRows([], [], []), {}) == told


def decided(no: str, plan: str, named: UUID | None = None, *, dead: bool = True) -> dict[str, Any]:
    return {
        "override_id": no, "tenant_id": plan, "is_deceased": dead, "decided_at": "then", "withdrawn_at": None,
        "named_token": str(named) if named else None,
    }  # fmt: skip


def test_a_decision_is_of_whom_it_named() -> None:
    """For all plans, or one that lists both, of whom its token named, and of the survivor where that was not kept; for
    one plan of its member; of before of whom it was."""
    old = decided("1", "*")
    whose = of_decision(KeptRows([], [old], [old]), HOLDERS, {str(OTHER)})
    assert whose(old | {"withdrawn_at": "later"}) == [Side.RETIRED]
    assert [whose(decided("2", "*", named)) for named in (OTHER, ONE, None)] == [
        [Side.RETIRED], [Side.SURVIVOR], [Side.SURVIVOR]
    ]  # fmt: skip
    assert whose(decided("2", "prairie", ONE)) == {Side.RETIRED}
    both = Holders((entry(ONE, "lake"),), (entry(OTHER, "lake"),))
    assert of_decision(KeptRows([], [], []), both, {str(OTHER)})(decided("2", "lake", OTHER)) == [Side.RETIRED]


def test_a_death_decided_of_the_one_is_checked_of_the_other() -> None:
    """Of a decision for all plans of while both were one the other one has a report; not of one of before, of one for
    one plan, of one that was withdrawn, nor of one that somebody lives."""
    new, old, lives, own = (
        decided(no, plan, dead=dead)
        for no, plan, dead in (("1", "*", True), ("2", "*", True), ("3", "*", False), ("4", "lake", True))
    )
    kept = KeptRows([], [old], [old])
    found = as_reported(Shares([new, lives, own], [old]), kept, HOLDERS)
    assert found.survivor == []
    [report] = found.retired
    assert (report["source"], report["word"], report["heard_at"]) == ("decision:1", "possible", "then")
    assert as_reported(Shares([], [new]), kept, HOLDERS) == Shares([report], [])
    assert as_reported(Shares([new | {"withdrawn_at": "later"}], []), kept, HOLDERS) == Shares([], [])


def test_a_death_decided_before_and_taken_back_since_is_checked_of_its_own() -> None:
    """Whoever took it back, for all plans, while both were one may have meant the other one; not where it was for its
    own plan, said that somebody lives, or had been taken back before."""
    gone = {"withdrawn_at": "later"}
    dead, lives, own = decided("1", "*"), decided("2", "*", dead=False), decided("3", "prairie")
    before = decided("4", "*") | gone
    kept = KeptRows([], [dead, lives, own, before], [dead, lives, own, before])
    found = as_reported(Shares([], [dead | gone, lives | gone, own | gone, before]), kept, HOLDERS)
    assert found.survivor == []
    assert [(report["source"], report["word"]) for report in found.retired] == [("decision:1", "possible")]


def test_a_column_that_was_added_since_changes_nobody() -> None:
    """What was kept by an older version lacks it: the rows are untouched all the same."""
    mine, his = row("*", "a", 1), row("*", "a", 2)
    assert shared_out(KeptRows([mine], [his], [his]), [his | {"new": None}], PART.key_of, HOLDERS.of_row) == Shares(
        [mine], [his]
    )


def test_a_folded_entry_loses_what_the_fold_brought() -> None:
    """What stands as the join left it is as before; what the plan said since, and when it spoke last, stays."""
    before = entry(ONE, "lake", family="Sesam", zip5="90011", said_at=NOON)
    made = before._replace(family="Sesame", spans=(Span("x"),), said_at=NOON + timedelta(1))
    now = made._replace(zip5="94301", said_at=NOON + timedelta(2))
    assert unfolded(now, before, made) == before._replace(zip5="94301", said_at=NOON + timedelta(2))


def a_report(no: int, token: UUID, key: str, **facts: Any) -> Report:
    usual: dict[str, Any] = {"administered_on": date(2021, 2, 1), "stated_at": NOON, "cvx": "208"}
    return Report(UUID(int=no), REGISTRY, key, token, UUID(int=no + 50), **(usual | facts))


MINE = a_report(1, ONE, "cair\x1fE-1", event_id="cair\x1fE-1")
HIS = a_report(2, OTHER, f"cair\x1fE-1\x1fof\x1f{OTHER}", event_id="cair\x1fE-1")
FOLDED = HIS._replace(member_token=ONE, is_retracted=True)
KEPT = KeptReports((MINE,), (HIS,), (MINE, FOLDED), (UUID(int=52),))
PARTING = Parting(ONE, OTHER, HOLDERS, {})


def test_reports_go_back_as_they_were_or_as_corrected() -> None:
    """What the join took back as a double lives again; a correction or a deletion of the one copy is of both."""
    assert parted_reports(KEPT, [MINE, FOLDED], PARTING) == [MINE, HIS]
    later = NOON + timedelta(hours=1)
    moved = MINE._replace(administered_on=date(2021, 1, 5), stated_at=later)
    day: dict[str, Any] = {"administered_on": date(2021, 1, 5), "stated_at": later}
    assert parted_reports(KEPT, [moved, FOLDED], PARTING) == [moved, HIS._replace(**day)]
    gone = MINE._replace(is_retracted=True, stated_at=later)
    found = parted_reports(KEPT, [gone, FOLDED], PARTING)
    assert [(report.member_token, report.is_retracted) for report in found] == [(ONE, True), (OTHER, True)]


@pytest.mark.parametrize(
    ("report", "linked", "whose"),
    [
        (a_report(7, ONE, "k"), {"k": frozenset({ONE, OTHER})}, ONE),
        (a_report(7, ONE, "k"), {"k": frozenset({OTHER})}, OTHER),
        (a_report(7, ONE, "k"), {"k": frozenset({UUID(int=3)})}, ONE),
        (a_report(7, ONE, "k"), {}, ONE),
        (a_report(7, ONE, "k", tenant_id="prairie"), {}, OTHER),
        (a_report(7, ONE, "k", tenant_id="prairie")._replace(source=APPOINTMENT), {}, OTHER),
        (a_report(7, ONE, "k", tenant_id="lake")._replace(source=APPOINTMENT), {}, ONE),
    ],
)
def test_whose_a_report_is_that_came_since(report: Report, linked: dict[str, frozenset[UUID]], whose: UUID) -> None:
    """A registry's is of whom its patient agrees with, and of the survivor where it agrees with both (the other one has
    his own then) or with nobody any more; a plan's and a visit's is of that plan's member."""
    [found] = parted_reports(KEPT, [report], replace(PARTING, linked=linked))
    assert found == report._replace(member_token=whose)


def test_what_is_kept_is_read_as_it_was_written() -> None:
    """Entries, rows and reports come back equal; what another version wrote is not guessed at."""
    mine = entry(ONE, "lake", birth_on=date(1940, 5, 1), races=("B",), spans=(Span("medicare", date(2020, 1, 1)),))
    rows = {"answer": KeptRows([row("lake", "a", 1)], [], [row("lake", "a", 1)])}
    reports = replace(KEPT, survivor=(MINE._replace(subject={"identifiers": [["MB", "CAIR", "1"]]}),))
    kept = Kept((mine,), (mine,), rows, reports)
    assert kept_of(json.loads(document_of(kept))) == kept
    assert kept_of({"version": 0, "kept": {}}) is None
    assert kept_of(None) is None
