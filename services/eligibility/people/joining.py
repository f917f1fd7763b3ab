"""Whether one row joins two persons who are both known by rows of their own. Pure.

Two members of a plan are two by its own word: a name, birth date and ZIP that come to agree do not make them one. It
takes a correction: a former name of the one who is exactly the other, or the other's number. Members of two plans are
never joined by a row: what one plan says alone is no evidence of another plan's member. A person says so.
"""

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from services.eligibility.feeds.records import IdType, RosterRecord
from services.eligibility.people.enrolment import DEPENDANT, Enrolment
from services.eligibility.people.identity import DOUBTFUL, OTHER, SAME, Described, Verdict, agrees_exactly


class Pair(NamedTuple):
    """The row's person and somebody else who agrees with it, each as the plans have them; `plan` is the row's, and
    `former` who of both the row says that its person was."""

    mine: Mapping[str, Enrolment]
    theirs: Mapping[str, Enrolment]
    plan: str
    former: UUID | None


def joins(record: RosterRecord, said: Described, pair: Pair) -> Verdict:
    """Whether both are one. Other: the row is its person's as it is known, and says nothing of the other."""
    mine = pair.mine.get(pair.plan)
    if _is_of_plan_alone(pair) and _is_stated(record, said, pair):
        return SAME
    return OTHER if mine is not None and agrees_exactly(mine, said) else DOUBTFUL


def _is_of_plan_alone(pair: Pair) -> bool:
    """Whether no two entries of other plans would be one person's by this plan's word: another plan has both as two,
    or each is the member of some other plan, too."""
    others, theirs = (side.keys() - {pair.plan} for side in (pair.mine, pair.theirs))
    return pair.plan in pair.mine.keys() & pair.theirs.keys() and not (others and theirs)


def _is_stated(record: RosterRecord, said: Described, pair: Pair) -> bool:
    """Whether a correction says it: its person was wrongly called otherwise, and is exactly the other; or was the
    other, by the other's number. A prior number without a former name is believed of who agrees exactly."""
    mine, theirs = pair.mine.get(pair.plan), pair.theirs.get(pair.plan)
    is_named = record.previous is not None and record.previous.name is not None
    if mine is not None and mine.member_token == pair.former:
        return is_named
    if theirs is None or theirs.member_token != pair.former:
        return False
    return _is_tied(record, said, theirs) and (is_named or agrees_exactly(theirs, said))


def _is_tied(record: RosterRecord, said: Described, theirs: Enrolment) -> bool:
    """Whether the row names the other's number, as own or as prior one; or the other has none. A family's number ties
    nobody in it but, as the prior one, who agrees exactly."""
    told = record.person.identifiers
    prior = {identifier.value for identifier in record.previous.identifiers} if record.previous else set()
    prior -= {identifier.value for identifier in told}
    if theirs.role == DEPENDANT and theirs.member_id == theirs.family_number:
        return theirs.member_id in prior and agrees_exactly(theirs, said)
    return theirs.member_id in {
        "",
        *prior,
        *(identifier.value for identifier in told if identifier.type == IdType.MEMBER),
    }
