"""What was heard of a death while two were one, of whom it is not certain that it was he: it declares nobody dead, and
must be checked. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from services.eligibility.payers.tenants import EVERY_TENANT
from services.eligibility.people.parting import Holders, KeptRows, Row, Shares, Side, Whose
from services.eligibility.vital.rules import DEAD, DECISION, REGISTRY, STATUS, Word
from services.eligibility.vital.sharing import ALL_REGISTRIES

Agreeing = Mapping[str, Collection[Side]]
"""With whom of both each registry's patient agrees, by its name."""


def as_agreed(shares: Shares, kept: KeptRows, agreeing: Agreeing) -> Shares:
    """A registry's word for everybody that is new since the join is of whom its patient agrees with. Of the other one a
    death must be checked; that somebody lives says nothing of him."""
    made = {row["source"]: row for row in kept.made}

    def mended(side: Side, rows: Iterable[Row], before: Iterable[Row]) -> Iterator[Row]:
        had = {row["source"]: row for row in before}
        for row in rows:
            source = row["source"]
            if row in (made.get(source), had.get(source)) or not _is_strangers(row, side, agreeing):
                yield row
            elif row["word"] in DEAD and (source not in had or had[source]["word"] != row["word"]):
                yield row | {"word": Word.POSSIBLE, "death_on": None}
            elif source in had:
                yield had[source]

    return Shares(
        list(mended(Side.SURVIVOR, shares.survivor, kept.survivor)),
        list(mended(Side.RETIRED, shares.retired, kept.retired)),
    )


def _is_strangers(row: Row, side: Side, agreeing: Agreeing) -> bool:
    """Whether it is the word of a registry that knows this one by no report."""
    kind, _, name = row["source"].partition(":")
    if kind not in {REGISTRY, STATUS} or row["tenant_id"] != EVERY_TENANT:
        return False
    return side not in {*agreeing.get(name, ()), *agreeing.get(ALL_REGISTRIES, ())}


def of_decision(kept: KeptRows, holders: Holders, retired: Collection[str]) -> Whose:
    """Whose a person's decision is: one of before is of whom it was of, one of since of whose plan it was for, else of
    whom its token named. `retired`: the tokens that stand for the retired one."""
    had = {side: {row["override_id"] for row in rows} for side, rows in kept.sides.items()}

    def whose(row: Row) -> Collection[Side]:
        if before := [side for side in Side if row["override_id"] in had[side]]:
            return before
        if not holders.may_be_either(row["tenant_id"]):
            return holders.of_plan(row["tenant_id"])
        return [Side.RETIRED if row.get("named_token") in retired else Side.SURVIVOR]

    return whose


def as_reported(shares: Shares, kept: KeptRows, holders: Holders) -> Shares:
    """A person's decision, made while both were one, that the one is dead: of the other one a report that must be
    checked, where it was for both's plans. So is one of before that was taken back while they were one, of whom it was
    of: it may have been the other one of whom somebody learned that he lives."""
    made = {row["override_id"] for row in kept.made}
    stood = {row["override_id"] for rows in kept.sides.values() for row in rows if row["withdrawn_at"] is None}

    def reports(own: Iterable[Row], others: Iterable[Row]) -> list[Row]:
        doubted = [row for row in own if row["override_id"] in stood and row["withdrawn_at"] is not None]
        since = [row for row in others if row["override_id"] not in made and row["withdrawn_at"] is None]
        told = (row for row in (*doubted, *since) if row["is_deceased"])
        return [_report(row) for row in told if holders.may_be_either(row["tenant_id"])]

    return Shares(reports(shares.survivor, shares.retired), reports(shares.retired, shares.survivor))


def _report(decided: Row) -> Row:
    at = decided["decided_at"]
    return {
        "source": f"{DECISION}:{decided['override_id']}", "tenant_id": decided["tenant_id"], "word": Word.POSSIBLE,
        "said_at": at, "since_at": at, "heard_at": at, "death_on": None, "reported_at": None, "version": 0,
    }  # fmt: skip
