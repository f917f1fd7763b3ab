"""The topics as the published documents describe them: who writes, who reads, what a record is about and its key.

Written down here once more on purpose, so that the checker takes nothing from the code it checks; a test compares it
with the AsyncAPI document."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One event type. `entity` are the fields that say what it is about; `version` the one that counts its news."""

    type: str
    topic: str
    key: tuple[str, ...]
    entity: tuple[str, ...]
    version: str | None = "version"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic and the services that read it."""

    name: str
    producer: str
    readers: tuple[str, ...]
    partitions: int = 4

    def group(self, service: str) -> str:
        """The consumer group of a service that reads this topic."""
        return f"{service}.{self.name.removeprefix('vcc.').removesuffix('.v1')}"

    @property
    def groups(self) -> tuple[str, ...]:
        return tuple(self.group(service) for service in self.readers)


SERVICES = ("eligibility", "outreach", "scheduling", "reporting")
_LISTENERS = ("outreach", "scheduling", "reporting")

TOPICS = (
    Topic("vcc.member-eligibility.v1", "eligibility", _LISTENERS),
    Topic("vcc.dose-administered.v1", "eligibility", _LISTENERS),
    Topic("vcc.member-contact.v1", "eligibility", ("outreach", "scheduling")),
    Topic("vcc.contact-attempt.v1", "outreach", ("eligibility", "scheduling", "reporting")),
    Topic("vcc.case.v1", "outreach", ("reporting",)),
    Topic("vcc.referral.v1", "outreach", ("reporting",)),
    Topic("vcc.appointment.v1", "scheduling", ("eligibility", "outreach", "reporting")),
    Topic("vcc.slot-pool.v1", "scheduling", ("reporting",)),
    Topic("vcc.target-zips.v1", "reporting", ("outreach", "reporting"), 1),
    Topic("vcc.programme.v1", "eligibility", _LISTENERS, 1),
    Topic("vcc.business-day-opened.v1", "eligibility", _LISTENERS, 1),
    Topic("vcc.feed-file.v1", "eligibility", ("reporting",), 1),
)
TOPIC = {topic.name: topic for topic in TOPICS}

DECIDED, MERGED = "vcc.member-eligibility.decided.v1", "vcc.member-eligibility.merged.v1"
DOSE, ATTEMPT, CASE = "vcc.dose-administered.recorded.v1", "vcc.contact-attempt.logged.v1", "vcc.case.changed.v1"
CONTACT = "vcc.member-contact.changed.v1"
REFERRAL = "vcc.referral.changed.v1"
RETRACTED = "vcc.contact-attempt.retracted.v1"
APPOINTMENT, POOL = "vcc.appointment.changed.v1", "vcc.slot-pool.changed.v1"
LISTED, PROGRAMME = "vcc.target-zips.listed.v1", "vcc.programme.published.v1"
DAY, FILE = "vcc.business-day-opened.opened.v1", "vcc.feed-file.processed.v1"

KINDS = (
    Kind(DECIDED, "vcc.member-eligibility.v1", ("member_token",), ("enrolment_id", "programme_id")),
    Kind(MERGED, "vcc.member-eligibility.v1", ("retired_token",), ("retired_token",), None),
    Kind(DOSE, "vcc.dose-administered.v1", ("member_token",), ("dose_id",)),
    Kind(CONTACT, "vcc.member-contact.v1", ("enrolment_id",), ("enrolment_id",)),
    Kind(ATTEMPT, "vcc.contact-attempt.v1", ("member_token",), ("attempt_id",), None),
    Kind(RETRACTED, "vcc.contact-attempt.v1", ("member_token",), ("attempt_id",), None),
    Kind(CASE, "vcc.case.v1", ("member_token",), ("case_id",)),
    Kind(REFERRAL, "vcc.referral.v1", ("member_token",), ("referral_id",)),
    Kind(APPOINTMENT, "vcc.appointment.v1", ("member_token",), ("appointment_id",)),
    Kind(POOL, "vcc.slot-pool.v1", ("site_id",), ("block_id",)),
    Kind(LISTED, "vcc.target-zips.v1", ("programme_id", "zip5"), ("programme_id", "zip5"), "week_on"),
    Kind(PROGRAMME, "vcc.programme.v1", ("programme_id",), ("programme_id",)),
    Kind(DAY, "vcc.business-day-opened.v1", ("time_zone",), ("time_zone",), "business_on"),
    Kind(FILE, "vcc.feed-file.v1", ("file_id",), ("file_id",), None),
)
KIND = {kind.type: kind for kind in KINDS}

GROUPS: dict[str, str] = {group: topic.name for topic in TOPICS for group in topic.groups}
