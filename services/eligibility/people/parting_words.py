"""What was heard of a death while two were one, of whom it is not certain that it was he: it declares nobody dead, and
must be checked. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from services.eligibility.payers.tenants import EVERY_TENANT
from services.eligibility.people.parting import KeptRows, Row, Shares, Side
from services.eligibility.vital.rules import DECISION, REGISTRY, STATUS, Word
from services.eligibility.vital.sharing import ALL_REGISTRIES

DEAD = frozenset({Word.DECEASED, Word.POSSIBLE})
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


def as_reported(shares: Shares, kept: KeptRows) -> tuple[Shares, list[Row]]:
    """A person's decision for all plans that somebody is dead, made while both were one, stays the survivor's; of the
    retired one it is a report that must be checked. Gives the reports beside the decisions."""
    made = {row["override_id"] for row in kept.made}
    since = [
        row
        for row in shares.retired
        if row["override_id"] not in made and row["tenant_id"] == EVERY_TENANT and row["is_deceased"]
    ]
    left = Shares(shares.survivor, [row for row in shares.retired if row not in since])
    return left, [_report(row) for row in since if row["withdrawn_at"] is None]


def _report(decided: Row) -> Row:
    at = decided["decided_at"]
    return {
        "source": f"{DECISION}:{decided['override_id']}", "tenant_id": EVERY_TENANT, "word": Word.POSSIBLE,
        "said_at": at, "since_at": at, "heard_at": at, "death_on": None, "reported_at": None, "version": 0,
    }  # fmt: skip
