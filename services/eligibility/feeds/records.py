"""What the feed readers hand over: the only border between file formats and the rest of the service.

Every row of a file ends in exactly one record or one `Rejection`; a `Notice` says what was odd about a row or
file that was kept. Codes are those of the standards (HL7 tables 0001, 0203, 0322, CDC race and ethnicity).
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Literal, NamedTuple

from schemas.eligibility_v1 import FeedKind

Sex = Literal["F", "M", "X", "U"]


class IdType(StrEnum):
    """Kinds of identifier, by HL7 table 0203, so that rosters and registry messages speak of the same things."""

    MEMBER = "MB"
    SUBSCRIBER = "SN"
    MEDICAID = "MA"
    MEDICARE = "MC"
    MEDICAL_RECORD = "MR"
    REGISTRY = "SR"
    INTERNAL = "PI"
    SOCIAL_SECURITY = "SS"


class Maintenance(StrEnum):
    """What a roster row does to an enrolment (INS03, HD01)."""

    CHANGE = "change"
    ADD = "add"
    TERMINATE = "terminate"
    REINSTATE = "reinstate"
    AUDIT = "audit"


class DoseOutcome(StrEnum):
    """What a dose row reports; only the first two put a vaccine into a body."""

    ADMINISTERED = "administered"
    PARTIAL = "partially-administered"
    REFUSED = "refused"
    MISSED_APPOINTMENT = "missed-appointment"
    NOT_ADMINISTERED = "not-administered"


class Position(NamedTuple):
    """Where a row stands: its ordinal in the file from 1, and its first segment (HL7, X12) or line (tab files).

    Row 0 is the file itself. In a VXU file each RXA is a row; so is a message that has none or can't be read.
    """

    row: int
    segment: int


class Identifier(NamedTuple):
    """An identifier is only unique under its assigner, and even then never proves identity alone.

    `type` is an `IdType` value, or what the sender wrote in PID-3.5.
    """

    type: str
    assigner: str
    value: str


class PersonName(NamedTuple):
    family: str
    given: str = ""
    middle: str = ""
    suffix: str = ""


class Address(NamedTuple):
    """`tract` is an 11-digit FIPS code, `county` a 5-digit one; both only as the sender gave them. `country` is said
    only of a place abroad."""

    street: str = ""
    unit: str = ""
    city: str = ""
    state: str = ""
    zip5: str = ""
    zip4: str = ""
    county: str = ""
    tract: str = ""
    country: str = ""


class Phone(NamedTuple):
    """Ten digits; `use` is home, work, mobile or other."""

    number: str
    use: str = "other"


class Representative(NamedTuple):
    """Somebody who may answer for the person; `relation` is one of `RELATIONS`."""

    relation: str
    name: PersonName
    phones: tuple[Phone, ...] = ()


RELATIONS = frozenset({
    "custodial-parent", "parent", "guardian", "power-of-attorney", "legal-representative", "responsible-party",
    "legally-responsible", "spouse",
})  # fmt: skip


class StatedContact(NamedTuple):
    """What else is said of how to reach the person: where letters go, and where they go by his own wish; who may
    answer for him; what he likes to be called."""

    mailing: Address | None = None
    alternate: Address | None = None
    representatives: tuple[Representative, ...] = ()
    preferred: str = ""


class StatedPerson(NamedTuple):
    """Who a row is about. Empty means "not said", never "none": a reader must not erase what is known.

    `races` and `ethnicity` are CDC codes (2106-3, 2135-2). `is_deceased` may be known without the day; `vital` is what
    else is said of it: "alive" outspoken, or "possible" where the sender contradicts itself.
    `language` is a tag of BCP 47 (es), `birth_order` is 0 unless the sender says it was a multiple birth; `spoken` are
    the languages of which it is said that the person speaks them.
    """

    identifiers: tuple[Identifier, ...] = ()
    name: PersonName | None = None
    birth_on: date | None = None
    sex: Sex = "U"
    is_deceased: bool = False
    death_on: date | None = None
    races: tuple[str, ...] = ()
    ethnicity: str | None = None
    language: str = ""
    address: Address | None = None
    phones: tuple[Phone, ...] = ()
    email: str = ""
    mother_maiden: str = ""
    birth_order: int = 0
    vital: Literal["", "alive", "possible"] = ""
    spoken: tuple[str, ...] = ()
    contact: StatedContact | None = None

    def identifier(self, kind: str) -> Identifier | None:
        """The first identifier of this type."""
        for identifier in self.identifiers:
            if identifier.type == kind:
                return identifier
        return None


MEDICAL = "medical"
"""The kind of coverage by which vaccination can be offered."""


class Coverage(NamedTuple):
    """One HD loop. `kind` is what its insurance line covers: medical, dental, vision, drug …

    `lapses_on` is the last day it counts: its end, plus the grace where spans are renewed monthly.
    `is_void`: it ends before it begins, so it never was in force.
    """

    insurance_line: str
    line_of_business: str
    maintenance: Maintenance
    description: str = ""
    begin_on: date | None = None
    end_on: date | None = None
    lapses_on: date | None = None
    is_void: bool = False
    kind: str = MEDICAL


class Previous(NamedTuple):
    """What a sender says was wrong before (NM1*70) when the row corrects it (NM1*74)."""

    name: PersonName | None = None
    identifiers: tuple[Identifier, ...] = ()
    birth_on: date | None = None


@dataclass(frozen=True, slots=True)
class RosterHeader:
    """One ST of an 834. Its records follow it up to the next header.

    The payer is known by `payer_system` and `payer_id` (N103 and N104 of N1*IN). `is_test`: ISA15 says that it is no
    production data. `purpose` (BGN01) 15 sends again what `original` (BGN06) said. The control numbers are the replay
    key. A member absent from the file is terminated only if `absence_terminates` holds *and* the file's
    `FeedSummary.is_complete`, and never a `RosterMention`.
    """

    profile: str
    sender: str
    receiver: str
    interchange_control: str
    group_control: str
    transaction_control: str
    implementation: str
    is_full: bool
    absence_terminates: bool
    is_test: bool
    is_known_sender: bool = True
    sponsor_id: str = ""
    sponsor_name: str = ""
    payer_system: str = ""
    payer_id: str = ""
    payer_name: str = ""
    reference: str = ""
    action: str = ""
    created_at: datetime | None = None
    declared: tuple[tuple[str, int], ...] = ()
    purpose: str = ""
    original: str = ""


class RosterRecord(NamedTuple):
    """One INS loop. Member-level dates differ from those of its coverages; both are kept.

    A dependant may carry only the subscriber's number: then there is no MEMBER identifier, only a SUBSCRIBER one.
    `is_restricted`: whether the sender restricts access to what it says of this member (INS-13); None: not said.
    """

    position: Position
    maintenance: Maintenance
    reason: str
    is_subscriber: bool
    relation: str
    person: StatedPerson
    group: str = ""
    begin_on: date | None = None
    end_on: date | None = None
    lapses_on: date | None = None
    is_void: bool = False
    effective_on: date | None = None
    is_restricted: bool | None = None
    previous: Previous | None = None
    coverages: tuple[Coverage, ...] = ()


@dataclass(frozen=True, slots=True)
class RosterMention:
    """A member whose row was rejected, but who does stand in the file: not absent. Follows its `Rejection`."""

    position: Position
    identifiers: tuple[Identifier, ...]


@dataclass(frozen=True, slots=True)
class RosterTrailer:
    """The end of a transaction where heads are read ahead of members: by `digest` its content is known again. `is_cut`:
    it has no SE of its own, so more of it may have been meant."""

    digest: str
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class VxuHeader:
    """The file (FHS/BHS) or, where it has none, its first message."""

    sender: str
    receiver: str
    control_id: str = ""
    created_at: datetime | None = None
    is_batch: bool = False


class EventKey(NamedTuple):
    """The sender's own name of a vaccination event (ORC-3): the same event re-sent has the same key."""

    value: str
    assigner: str


class Consent(NamedTuple):
    """PD1 of a registry message. `is_protected` None = not said; Y in PD1-12 bars sharing and outreach. `publicity` is
    of HL7 table 0215, `registry_status` of 0441. The first two have effective dates, where they are given."""

    is_protected: bool | None = None
    publicity: str = ""
    registry_status: str = ""
    protected_on: date | None = None
    publicity_on: date | None = None


class Evidence(NamedTuple):
    """What an observation beside a vaccination event tells of the patient. `kind`: immunity, contraindication,
    indication or reaction; `system` is snomed, cdcphinvs, icd10, cvx, or what the sender wrote. `expires_on` is the
    last day of a temporary contraindication."""

    kind: str
    system: str
    code: str
    observed_on: date | None = None
    expires_on: date | None = None


class DoseRecord(NamedTuple):
    """One vaccination event of a registry: given, refused, missed, not given, or deleted.

    `action` A add, U update, D delete (RXA-21). `completion` CP, RE, NA, PA (RXA-20). `cvx` is two or three
    digits as text, taken from the NDC where only that was sent; empty on a delete that doesn't repeat it. `sender` is
    who sent the message (MSH-4), or the grantee of an extract; `test_from` the same where the message says that it is
    no production data (MSH-11), else empty.
    """

    position: Position
    person: StatedPerson
    outcome: DoseOutcome
    action: Literal["A", "U", "D"]
    administered_on: date
    cvx: str
    event: EventKey | None = None
    completion: str = "CP"
    refusal_reason: str = ""
    is_historical: bool = False
    information_source: str = ""
    ndc: str = ""
    mvx: str = ""
    lot: str = ""
    expires_on: date | None = None
    site: str = ""
    route: str = ""
    facility: str = ""
    funding_eligibility: str = ""
    recorded_on: date | None = None
    consent: Consent = Consent()
    message_control_id: str = ""
    message_at: datetime | None = None
    sender: str = ""
    evidence: tuple[Evidence, ...] = ()
    test_from: str = ""


@dataclass(frozen=True, slots=True)
class AdsHeader:
    """The control file of an extract. `notes` such as a swapped header line come as `Notice`s."""

    grantee: str = ""
    quarter: str = ""
    submitted_on: date | None = None
    declared: tuple[tuple[str, int], ...] = ()


class PatientRecord(NamedTuple):
    """A patient without a dose: a row of an extract's patient file, or a VXU that has no RXA."""

    position: Position
    person: StatedPerson
    consent: Consent = Consent()
    recorded_on: date | None = None
    message_control_id: str = ""
    message_at: datetime | None = None
    test_from: str = ""
    sender: str = ""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row (or, as row 0, a file) that was not taken. It names the place and what was expected, never the value.

    `where` is the number of the segment or line, `field` is "DMG-02", "RXA-3" or a column; `code` is stable.
    """

    row: int
    where: int
    field: str
    code: str
    expected: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a file is of none of the formats, as a sentence for the sender."""

    code: str
    expected: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something odd in a row or file that was kept; same shape and same silence about values as a `Rejection`."""

    row: int
    where: int
    field: str
    code: str
    expected: str


class TransactionTally(NamedTuple):
    """What stands under one header of a roster: members, the file's last row so far, and rejected rows that name
    nobody. `is_complete`: its own counts agree, and those of the file around it."""

    members: int = 0
    last_row: int = 0
    unidentified: int = 0
    is_complete: bool = True


@dataclass(frozen=True, slots=True)
class FeedSummary:
    """The last item of every stream. `rows` = records + rejected rows; a rejected file counts in `rejected` only.

    `is_complete`: all trailers were there and every declared count agreed. `unidentified` rejected roster rows
    have no `RosterMention`, so somebody who seems absent may be one of them. `thinned`: field, code and count of the
    kinds of notice of which not all were handed over. `transactions` are told in the order of their headers.
    """

    kind: FeedKind | None
    rows: int
    records: int
    rejected: int
    notices: tuple[tuple[str, int], ...]
    is_complete: bool
    unidentified: int = 0
    thinned: tuple[tuple[str, str, int], ...] = ()
    transactions: tuple[TransactionTally, ...] = ()


Header = RosterHeader | VxuHeader | AdsHeader
Record = RosterRecord | DoseRecord | PatientRecord
FeedItem = Header | Record | RosterMention | RosterTrailer | Rejection | Notice | FeedSummary
