"""What eligibility decides: who is eligible and why, the canonical dose, programmes, days and feed files."""

from datetime import date
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field, NonNegativeInt, PositiveInt

from schemas.envelope import Code, Contract, CountyFips, Cvx, Event, Mvx, TractFips, Zip5


class EligibilityStatus(StrEnum):
    """Whether outreach may be offered to this enrolment under this programme now."""

    ELIGIBLE = "eligible"
    INELIGIBLE = "ineligible"


class AgeBand(StrEnum):
    """Age in completed years on the business day of the decision."""

    UNDER_65 = "0-64"
    FROM_65 = "65-69"
    FROM_70 = "70-74"
    FROM_75 = "75-79"
    FROM_80 = "80-84"
    FROM_85 = "85+"


class RaceEthnicity(StrEnum):
    """The reporting roll-up: Hispanic of any race first, then a single race, several races, unknown."""

    HISPANIC = "hispanic"
    AMERICAN_INDIAN = "american-indian-or-alaska-native"
    ASIAN = "asian"
    BLACK = "black-or-african-american"
    PACIFIC_ISLANDER = "native-hawaiian-or-pacific-islander"
    WHITE = "white"
    OTHER = "other"
    MULTIRACIAL = "multiracial"
    UNKNOWN = "unknown"


class LineOfBusiness(StrEnum):
    """The payer segment of an enrolment."""

    MEDICAID = "medicaid"
    MEDICARE = "medicare"
    DUAL = "dual"
    COMMERCIAL = "commercial"
    UNKNOWN = "unknown"


class SviLevel(StrEnum):
    """The area at which the Social Vulnerability Index was read; levels are never mixed under one cut-off."""

    TRACT = "tract"
    ZIP = "zip"
    COUNTY = "county"
    UNKNOWN = "unknown"


class Svi(Contract):
    """Social Vulnerability Index of a member's area. `value` is a percentile (0-1) at tract and county level, and
    the share (0-1) of residents above the rule's cut-off, else above 0.75, at ZIP level; in the topic the lower bound
    of its quarter: 0, 0.25, 0.5 or 0.75. Older facts have it to four places."""

    level: SviLevel
    release: str
    value: float | None = Field(default=None, ge=0, le=1)
    vulnerable: bool


class InterpreterNeeded(StrEnum):
    """Whether whoever speaks to the member in English needs an interpreter (LOINC 54588-9). `possible`: nobody has said
    so, and the plan's roster names a spoken language that is not English."""

    YES = "yes"
    NO = "no"
    POSSIBLE = "possible"
    UNKNOWN = "unknown"


class MemberEligibilityDecidedV1(Event):
    """One fact for every enrolment and programme, eligible or not; another whenever an answer or a carried attribute
    changes. A snapshot: of two, the higher `version` holds."""

    event_type: ClassVar[str] = "vcc.member-eligibility.decided.v1"

    enrolment_id: UUID
    member_token: UUID
    tenant_id: Code
    programme_id: Code
    programme_version: PositiveInt
    phase: Code | None = None
    version: PositiveInt
    status: EligibilityStatus
    reasons: tuple[Code, ...]
    vaccinated: bool
    doses_valid: NonNegativeInt
    priority: int = Field(ge=0, le=1000, description="Higher is called first.")
    age_band: AgeBand | None = None
    sex: Code | None = Field(default=None, description="No longer filled in the topic.")
    race_ethnicity: RaceEthnicity
    language: Code | None = Field(default=None, description="The primary subtag of BCP 47, such as `es`.")
    line_of_business: LineOfBusiness
    zip5: Zip5 | None = None
    tract: TractFips | None = Field(default=None, description="No longer filled in the topic.")
    county_fips: CountyFips | None = Field(default=None, description="No longer filled in the topic.")
    svi: Svi
    enrolled: bool
    contact_protected: bool = Field(
        description="PD1-12 of any registry, or INS13 = R of the plan: no outreach. What a registry that protects"
        " reported is in no fact."
    )
    merged_into: UUID | None = Field(default=None, description="The surviving member token, when persons were merged.")
    decided_on: date
    rule: Code | None = Field(default=None, description="What the programme is after: doses, forecast or service.")
    release: str | None = Field(default=None, description="Of CDC's supporting data, where the rule is the forecast.")
    due_on: date | None = Field(
        default=None,
        description="CDC's recommended date, or the day a service ends to hold. No longer filled in the topic.",
    )
    arm: Code | None = Field(default=None, description="As drawn; who is in the arm `control` is offered nothing.")
    risk_tier: Code | None = Field(default=None, description="No longer filled in the topic.")
    risk_model: Code | None = Field(
        default=None, description="Model and version, such as social-risk.1. No longer filled in the topic."
    )
    death_reports_until: AwareDatetime | None = Field(
        default=None,
        description="Reports of the member's death (attempts, appointments) up to this instant are weighed in this"
        " answer: its reasons say `deceased` (declared), `death-reported` (to be checked) or neither (set aside).",
    )
    channels_barred: tuple[Code, ...] = Field(
        default=(), description="Channels that a registry bars (PD1-11): phone, text, letter, email, visit."
    )
    phone_version: NonNegativeInt = Field(default=0, description="Raised when a roster brings other numbers.")
    address_version: NonNegativeInt = Field(default=0, description="Raised when a roster brings another address.")
    email_version: NonNegativeInt = Field(default=0, description="Raised when a roster brings another e-mail address.")
    interpreter_needed: InterpreterNeeded | None = Field(
        default=None, description="Told by the member, a worker or the plan, the newest word; missing from older facts."
    )

    def key(self) -> str:
        return str(self.member_token)


class MembersMergedV1(Event):
    """For whom a member token stands by now, in two directions. Two tokens turned out to be one person: the retired one
    stands for the surviving one. Or what made them one was taken back (`is_split`): the retired token stands for a
    person of its own again. Enrolments and doses are restated, each under the token that it belongs to."""

    event_type: ClassVar[str] = "vcc.member-eligibility.merged.v1"
    key_field: ClassVar[str] = "retired_token"

    surviving_token: UUID
    retired_token: UUID
    merged_on: date = Field(description="The business day on which it was said, of a merge and of a split.")
    version: PositiveInt | None = Field(
        default=None,
        description="Of the retired token's assignment: of two the higher holds. Missing from older facts, which are"
        " below every other.",
    )
    is_split: bool = Field(
        default=False, description="The two are two after all. Whoever does not read this goes on as if they were one."
    )

    def key(self) -> str:
        return str(self.retired_token)


class DoseAction(StrEnum):
    """What became of the canonical dose. A retracted dose was never given, or whoever reported it lets it be shared no
    more (PD1-12): it counts for nothing and is shown nowhere."""

    NEW = "new"
    UPDATE = "update"
    RETRACT = "retract"


class DoseSource(StrEnum):
    """Who reported the dose."""

    IIS = "iis"
    APPOINTMENT = "appointment"
    PLAN = "plan"


class DoseAdministeredV1(Event):
    """The canonical dose, linked and deduplicated once. A snapshot: of two with one `dose_id`, the higher `version`
    holds, also when its `member_token` differs (persons were merged)."""

    event_type: ClassVar[str] = "vcc.dose-administered.recorded.v1"

    dose_id: UUID
    version: PositiveInt
    action: DoseAction
    member_token: UUID
    cvx: Cvx
    vaccine_group: Code
    vaccine_groups: tuple[Code, ...] = Field(
        default=(),
        description="All groups of a combination vaccine, `vaccine_group` among them; empty: that one alone.",
    )
    mvx: Mvx | None = Field(default=None, description="No longer filled in the topic.")
    lot: str | None = Field(default=None, max_length=32, description="No longer filled in the topic.")
    administered_on: date
    known_on: date = Field(description="The business day on which this version became known.")
    sources: tuple[DoseSource, ...] = Field(min_length=1)
    appointment_id: UUID | None = None
    supersedes: UUID | None = None
    is_partial: bool = Field(default=False, description="Administered in part (RXA-20 PA): it counts as no dose.")

    @property
    def groups(self) -> tuple[str, ...]:
        """Every vaccine group that the dose is of."""
        return self.vaccine_groups or (self.vaccine_group,)

    def key(self) -> str:
        return str(self.member_token)


class ProgrammePublishedV1(Event):
    """A version of a programme document took effect."""

    event_type: ClassVar[str] = "vcc.programme.published.v1"

    programme_id: Code
    version: PositiveInt
    title: str
    vaccine_group: Code
    effective_on: date
    time_zone: str
    document_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    doses_needed: PositiveInt = Field(default=1, description="Days with a counted dose that make a member vaccinated.")
    doses_since_on: date | None = Field(default=None, description="Earlier doses do not count.")
    cvx_not_counted: tuple[Cvx, ...] = ()
    rule: Code = Field(default="doses", description="What it is after: doses, forecast, or another service.")
    arms: tuple[Code, ...] = ()

    def key(self) -> str:
        return self.programme_id


class BusinessDayOpenedV1(Event):
    """Time passing, as an event: rules are asked as of this day, so that a rebuild gives the same answers."""

    event_type: ClassVar[str] = "vcc.business-day-opened.opened.v1"

    business_on: date
    time_zone: str

    def key(self) -> str:
        return self.time_zone


class FeedKind(StrEnum):
    """The format of a feed file."""

    X12_834 = "x12-834"
    HL7_VXU = "hl7-vxu"
    ADS_MAA = "ads-maa"


class ReasonCount(Contract):
    """How many rows shared one reason."""

    reason: Code
    rows: NonNegativeInt


class ChangeCount(Contract):
    """How many rows of a file changed something of this kind. A row may change several things."""

    change: Code
    rows: NonNegativeInt


class FeedFileProcessedV1(Event):
    """What became of the rows of one file: every row read was accepted or rejected; some accepted doses wait for
    their member (unlinked)."""

    event_type: ClassVar[str] = "vcc.feed-file.processed.v1"

    file_id: UUID
    kind: FeedKind
    sender: Code
    tenant_id: Code | None = None
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    rows_read: NonNegativeInt
    rows_accepted: NonNegativeInt
    rows_rejected: NonNegativeInt
    rows_unlinked: NonNegativeInt = 0
    rows_unchanged: NonNegativeInt = 0
    rejections: tuple[ReasonCount, ...] = ()
    business_on: date
    changes: tuple[ChangeCount, ...] = Field(
        default=(),
        description="What the rows changed: added, ended, extended, moved, merged, renumbered, renamed, died, changed, "
        "family-ended, family-waits, dose-added, dose-changed, dose-deleted; stale rows changed nothing, for what "
        "stands was said later.",
    )
    cut_short: Code | None = Field(
        default=None,
        description="Why the file was not read to its end: cancelled (by a person) or too-many-rejects. What was read "
        "took effect; nobody is absent for it.",
    )

    def key(self) -> str:
        return str(self.file_id)
