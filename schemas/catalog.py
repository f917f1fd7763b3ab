"""Every topic and every event in one list. Deploy, documents and tests are made from it."""

from dataclasses import dataclass
from enum import StrEnum

from schemas.eligibility_v1 import (
    BusinessDayOpenedV1,
    DoseAdministeredV1,
    FeedFileProcessedV1,
    MemberEligibilityDecidedV1,
    MembersMergedV1,
    ProgrammePublishedV1,
)
from schemas.envelope import Event
from schemas.member_contact_v1 import MemberContactChangedV1
from schemas.outreach_v1 import CaseChangedV1, ContactAttemptLoggedV1, ContactAttemptRetractedV1
from schemas.referral_v1 import ReferralChangedV1
from schemas.reporting_v1 import TargetZipListedV1
from schemas.scheduling_v1 import AppointmentChangedV1, SlotPoolChangedV1

FOREVER_MS = -1
HALF_A_DAY_MS = 12 * 3600 * 1000


class Classification(StrEnum):
    """Who may read a topic."""

    MEMBER_LEVEL = "member-level"  # a limited data set: an ACL and an agreement for each consumer
    OPERATIONAL = "operational"  # no person in it
    RESTRICTED = "restricted"  # names and telephones: sealed, and an ACL for those consumers alone


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: its single producer, what its key is, how long it is kept and who reads it."""

    name: str
    description: str
    producer: str
    key: str
    events: tuple[type[Event], ...]
    consumers: tuple[str, ...]
    classification: Classification
    partitions: int = 4
    retention_ms: int = FOREVER_MS
    cleanup_policy: str = "delete"
    compaction_lag_ms: int | None = None

    @property
    def is_sealed(self) -> bool:
        """Whether its facts are sealed with the ring that its writer and its readers share."""
        return self.classification is Classification.RESTRICTED

    def config(self) -> dict[str, str]:
        """The topic's broker settings. `retention.ms` is in milliseconds; -1 keeps for ever."""
        lag = {} if self.compaction_lag_ms is None else {"max.compaction.lag.ms": str(self.compaction_lag_ms)}
        return {"cleanup.policy": self.cleanup_policy, "retention.ms": str(self.retention_ms), **lag}


MEMBER_ELIGIBILITY = Topic(
    name="vcc.member-eligibility.v1",
    description="One fact for every enrolment and programme, eligible or not.",
    producer="eligibility",
    key="member_token",
    events=(MemberEligibilityDecidedV1, MembersMergedV1),
    consumers=("outreach", "scheduling", "reporting"),
    classification=Classification.MEMBER_LEVEL,
)
DOSE_ADMINISTERED = Topic(
    name="vcc.dose-administered.v1",
    description="The canonical dose: the only topic from which doses are counted.",
    producer="eligibility",
    key="member_token",
    events=(DoseAdministeredV1,),
    consumers=("outreach", "scheduling", "reporting"),
    classification=Classification.MEMBER_LEVEL,
)
MEMBER_CONTACT = Topic(
    name="vcc.member-contact.v1",
    description="How the member of each enrolment can be reached, sealed for who contacts members or expects them.",
    producer="eligibility",
    key="enrolment_id",
    events=(MemberContactChangedV1,),
    consumers=("outreach", "scheduling"),
    classification=Classification.RESTRICTED,
    cleanup_policy="compact",
    compaction_lag_ms=HALF_A_DAY_MS,
)
CONTACT_ATTEMPT = Topic(
    name="vcc.contact-attempt.v1",
    description="Every attempt to reach a member, and what came of it.",
    producer="outreach",
    key="member_token",
    events=(ContactAttemptLoggedV1, ContactAttemptRetractedV1),
    consumers=("eligibility", "scheduling", "reporting"),
    classification=Classification.MEMBER_LEVEL,
)
CASE = Topic(
    name="vcc.case.v1",
    description="Outreach cases opened, paused and closed.",
    producer="outreach",
    key="member_token",
    events=(CaseChangedV1,),
    consumers=("reporting",),
    classification=Classification.MEMBER_LEVEL,
)
REFERRAL = Topic(
    name="vcc.referral.v1",
    description="Members referred to partners, and what became of it.",
    producer="outreach",
    key="member_token",
    events=(ReferralChangedV1,),
    consumers=("reporting",),
    classification=Classification.MEMBER_LEVEL,
)
APPOINTMENT = Topic(
    name="vcc.appointment.v1",
    description="Appointments booked, fulfilled, cancelled and missed; walk-ins too.",
    producer="scheduling",
    key="member_token",
    events=(AppointmentChangedV1,),
    consumers=("eligibility", "outreach", "reporting"),
    classification=Classification.MEMBER_LEVEL,
)
SLOT_POOL = Topic(
    name="vcc.slot-pool.v1",
    description="How full each weekly block at each site is.",
    producer="scheduling",
    key="site_id",
    events=(SlotPoolChangedV1,),
    consumers=("reporting",),
    classification=Classification.OPERATIONAL,
)
TARGET_ZIPS = Topic(
    name="vcc.target-zips.v1",
    description="The weekly target ZIPs; internal, not a public release.",
    producer="reporting",
    key="programme_id/zip5",
    events=(TargetZipListedV1,),
    consumers=("outreach", "reporting"),
    classification=Classification.OPERATIONAL,
    partitions=1,
    cleanup_policy="compact",
)
PROGRAMME = Topic(
    name="vcc.programme.v1",
    description="Programme documents as they take effect.",
    producer="eligibility",
    key="programme_id",
    events=(ProgrammePublishedV1,),
    consumers=("outreach", "scheduling", "reporting"),
    classification=Classification.OPERATIONAL,
    partitions=1,
)
BUSINESS_DAY_OPENED = Topic(
    name="vcc.business-day-opened.v1",
    description="Time passing, as an event.",
    producer="eligibility",
    key="time_zone",
    events=(BusinessDayOpenedV1,),
    consumers=("outreach", "scheduling", "reporting"),
    classification=Classification.OPERATIONAL,
    partitions=1,
)
FEED_FILE = Topic(
    name="vcc.feed-file.v1",
    description="What became of every feed file's rows.",
    producer="eligibility",
    key="file_id",
    events=(FeedFileProcessedV1,),
    consumers=("reporting",),
    classification=Classification.OPERATIONAL,
    partitions=1,
)

TOPICS: tuple[Topic, ...] = (
    MEMBER_ELIGIBILITY,
    DOSE_ADMINISTERED,
    MEMBER_CONTACT,
    CONTACT_ATTEMPT,
    CASE,
    REFERRAL,
    APPOINTMENT,
    SLOT_POOL,
    TARGET_ZIPS,
    PROGRAMME,
    BUSINESS_DAY_OPENED,
    FEED_FILE,
)
TOPIC_BY_NAME: dict[str, Topic] = {topic.name: topic for topic in TOPICS}
TOPIC_OF_EVENT: dict[type[Event], Topic] = {event: topic for topic in TOPICS for event in topic.events}
SEALING: frozenset[str] = frozenset(
    party for topic in TOPICS if topic.is_sealed for party in (topic.producer, *topic.consumers)
)
"""The services that write or read a restricted topic, and so need its key ring."""
