"""What is stored of some persons, put together into the members that decisions are about. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from services.eligibility.decisions.decision import LastDecision, Member
from services.eligibility.decisions.interpreter import interpreter_of
from services.eligibility.doses.counted import CountedDose
from services.eligibility.payers.tenants import EVERY_TENANT
from services.eligibility.people.enrolment import Enrolment, Person
from services.eligibility.people.statement import Statement, is_protected
from services.eligibility.places.rules import Address, Geography, Placement
from services.eligibility.programmes.needs import MemberObservation
from services.eligibility.vital.others import NOBODY_SAID, Others
from services.eligibility.vital.registry import channels_barred
from services.eligibility.vital.rules import vital_of
from services.eligibility.vital.sharing import counts_for


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored of some persons, as far as deciding needs it. `observed`: by person and the plan that said it;
    `withheld`: the registries whose words of a person are not shared."""

    enrolments: Sequence[Enrolment]
    persons: Mapping[UUID, Person]
    statements: Mapping[UUID, Sequence[Statement]]
    doses: Mapping[UUID, Sequence[CountedDose]]
    last: Mapping[tuple[UUID, str], LastDecision]
    others: Others = NOBODY_SAID
    observed: Mapping[tuple[UUID, str], Sequence[MemberObservation]] = field(default_factory=dict)
    withheld: Mapping[UUID, frozenset[str]] = field(default_factory=dict)

    def shared_statements(self, enrolment: Enrolment) -> Sequence[Statement]:
        """What registries say of a person's race and home is kept as one, and so withheld as one; what one plan's
        sender says of sharing counts for that plan."""
        withheld = self.withheld.get(enrolment.member_token, ())
        return () if counts_for(enrolment.tenant_id, withheld) else self.statements.get(enrolment.member_token, ())


def members_of(known: Known, day: date) -> list[Member]:
    addresses = []
    for enrolment in known.enrolments:
        tract = _tract(enrolment, known.shared_statements(enrolment))
        addresses.append(Address(enrolment.zip5, tract, enrolment.county))
    placements = Geography.load().place_many(addresses)
    return [
        _member(known, enrolment, placement, day)
        for enrolment, placement in zip(known.enrolments, placements, strict=True)
    ]


def _member(known: Known, one: Enrolment, placement: Placement, day: date) -> Member:
    others, statements = known.others, known.statements.get(one.member_token, ())
    consents = [
        said for said in others.consents.get(one.member_token, ()) if said.tenant_id in {EVERY_TENANT, one.tenant_id}
    ]
    vital = vital_of(others.vital.get(one.member_token, ()), others.overrides.get(one.member_token, ()), one.tenant_id)
    return Member(
        one,
        known.persons[one.member_token],
        placement,
        tuple(known.shared_statements(one)),
        vital,
        is_protected(consents, statements),
        channels_barred(consents),
        interpreter_of(one.spoken, known.observed.get((one.member_token, one.tenant_id), ()), day),
    )


def _tract(enrolment: Enrolment, statements: Iterable[Statement]) -> str:
    """The plan's tract, else the registry's, if that is of the same ZIP: somebody may have moved since."""
    if enrolment.tract:
        return enrolment.tract
    return next(
        (statement.tract for statement in statements if statement.tract and statement.zip5 == enrolment.zip5), ""
    )
