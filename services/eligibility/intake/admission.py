"""What of a slice may take effect: each row is asked for itself, whatever stands before it in the file. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from services.eligibility.feeds.profiles import profiles
from services.eligibility.feeds.records import DoseRecord, PatientRecord, Position, RosterHeader
from services.eligibility.intake.slices import Slice
from services.eligibility.payers.rules import GENERIC_PROFILES, Payer, code_of, payer_of
from services.eligibility.payers.tenants import EVERY_TENANT
from services.eligibility.people.precedence import stamp_of
from services.eligibility.people.roster_row import Mentioned, RosterRow

EVERY_SENDER = "*"


class Bar(NamedTuple):
    """Why nothing under a header, or no row of a message, is taken."""

    code: str
    field: str
    expected: str


TEST_ROSTER = Bar("test-data", "ISA-15", "P, production data; the sender's profile takes no test data")
TEST_MESSAGE = Bar("test-data", "MSH-11", "P, production data; this deployment takes no test data of the sender")
OTHER_PAYER = Bar("wrong-plan", "N1*IN-04", "the payer that the sender may speak for")
OTHER_SENDER = Bar("wrong-plan", "ISA-06", "a roster of the plan that the sender may speak for")
BARRED = frozenset({TEST_ROSTER.code, OTHER_PAYER.code})


@dataclass(frozen=True, slots=True)
class Gate:
    """`sender_tenant` is for whom the token may speak, `tenants` are those of the payers, `test_data_from` the senders
    whose test data this deployment takes."""

    sender_tenant: str
    tenants: Mapping[Payer, str]
    test_data_from: frozenset[str]

    def takes(self, header: RosterHeader) -> bool:
        """Whether it is production data, or its sender's test data count here."""
        if not header.is_test:
            return True
        return self._takes_tests_of(header.sender) or profiles()[header.profile].takes_test_data

    def _takes_tests_of(self, sender: str) -> bool:
        return bool({EVERY_SENDER, code_of(sender)} & self.test_data_from)

    def bar(self, header: RosterHeader) -> Bar | None:
        if not self.takes(header):
            return TEST_ROSTER
        if self.sender_tenant in {EVERY_TENANT, self.tenant(header)}:
            return None
        return OTHER_PAYER if header.profile in GENERIC_PROFILES else OTHER_SENDER

    def tenant(self, header: RosterHeader) -> str:
        return self.tenants[payer_of(header)]

    def admit(self, part: Slice) -> "Admitted":
        found = Admitted()
        for row in part.roster:
            if (bar := self.bar(row.header)) is None:
                found.roster.append(row._replace(plan=self.tenant(row.header)))
            else:
                found.refused.append((row.record.position, bar))
        found.mentions += [
            Mentioned(mention, self.tenant(header), stamp_of(header))
            for mention, header in part.mentions
            if self.bar(header) is None
        ]
        records: list[DoseRecord | PatientRecord] = [*part.doses, *part.patients]
        for record in records:
            if record.test_from and not self._takes_tests_of(record.test_from):
                found.refused.append((record.position, TEST_MESSAGE))
            else:
                found.registry.append(record)
        return found


@dataclass(slots=True)
class Admitted:
    """The rows that take effect, and where the others stand and why they do not."""

    roster: list[RosterRow] = field(default_factory=list)
    mentions: list[Mentioned] = field(default_factory=list)
    registry: list[DoseRecord | PatientRecord] = field(default_factory=list)
    refused: list[tuple[Position, Bar]] = field(default_factory=list)
