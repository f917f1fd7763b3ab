"""One vaccination event of a registry message: ORC, RXA, RXR and OBX become a `DoseRecord`."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, NoReturn, cast

from schemas.lots import EXPECTED, is_lot
from schemas.products import is_before_product
from services.eligibility.feeds.codes import NO_VACCINE, cvx_code, cvx_of_ndc, manufacturers
from services.eligibility.feeds.er7 import MOST_REPEATS, Field, Segment
from services.eligibility.feeds.faults import BadRow, Notices
from services.eligibility.feeds.no_numbers import is_counted, names_nothing
from services.eligibility.feeds.records import (
    Consent,
    DoseOutcome,
    DoseRecord,
    EventKey,
    Evidence,
    Position,
    StatedPerson,
)
from services.eligibility.feeds.values import DATE_RANGE, day, digits

CVX_SYSTEMS = frozenset({"CVX", "HL70292", "292"})
NDC_SYSTEMS = frozenset({"NDC", "NDC11", "NDC10"})
OUTCOMES = {
    "CP": DoseOutcome.ADMINISTERED,
    "PA": DoseOutcome.PARTIAL,
    "RE": DoseOutcome.REFUSED,
    "NA": DoseOutcome.NOT_ADMINISTERED,
}
GIVEN = frozenset({DoseOutcome.ADMINISTERED, DoseOutcome.PARTIAL})
ACTIONS = frozenset({"A", "U", "D"})
MISSED = "missed appointment"
NEW_RECORD = "00"
FUNDING_ELIGIBILITY = "64994-7"
# What observations tell of the patient, by LOINC code.
EVIDENCE = {
    "59784-9": "immunity", "75505-8": "immunity", "30945-0": "contraindication", "59785-6": "indication",
    "31044-1": "reaction",
}  # fmt: skip
CODE_SYSTEMS = {
    "SCT": "snomed", "SNM": "snomed", "SNOMED": "snomed", "SNOMED-CT": "snomed", "SNOMEDCT": "snomed",
    "CDCPHINVS": "cdcphinvs", "PHINVS": "cdcphinvs", "I10": "icd10", "I10C": "icd10", "ICD10": "icd10",
    "ICD-10": "icd10", "ICD10CM": "icd10", "CVX": "cvx",
}  # fmt: skip
EFFECTIVE_ON, EXPIRES_ON = "30946-8", "30944-3"
"""From when a contraindication holds, and the last day of a temporary one; OBX-4 says of which."""
WITHDRAWN = frozenset({"D", "W", "X"})
"""OBX-11: deleted, of another patient, or never made."""


@dataclass(frozen=True, slots=True)
class MessageContext:
    """What a dose takes from the message around it."""

    person: StatedPerson
    consent: Consent
    control_id: str
    sent_at: datetime | None
    sent_on: date | None
    sender: str
    test_from: str = ""


@dataclass(slots=True)
class DoseGroup:
    """The segments of one event. RXA is missing when an ORC brings no vaccination."""

    orc: Segment | None = None
    rxa: Segment | None = None
    rxr: Segment | None = None
    observations: list[Segment] = field(default_factory=list)

    @property
    def number(self) -> int:
        first = self.orc or self.rxa
        return first.number if first else 0


def read_dose(row: int, group: DoseGroup, context: MessageContext, notices: Notices) -> DoseRecord:
    """The dose of a group, or `BadRow`."""
    if group.rxa is None:
        raise BadRow("RXA", "no-vaccination", "an RXA segment after every ORC", group.number)
    return _DoseReader(group, group.rxa, context, notices).record(Position(row, group.number))


def outcome_of(completion: str, cvx: str, is_missed: bool) -> DoseOutcome:
    """A missed appointment is sent as a refusal but is none: nobody said no."""
    outcome = OUTCOMES[completion]
    if outcome is DoseOutcome.REFUSED:
        return DoseOutcome.MISSED_APPOINTMENT if is_missed else outcome
    return DoseOutcome.NOT_ADMINISTERED if cvx == NO_VACCINE else outcome


def _coded(value: Field) -> tuple[str, str]:
    """Code and system of the first triplet that has both, in our words where we have one."""
    parts = (value.parts() + [""] * 6)[:6]
    for code, system in ((parts[0], parts[2]), (parts[3], parts[5])):
        if code and system:
            return code[:64], CODE_SYSTEMS.get(system.upper(), system.lower()[:32])
    return "", ""


class _DoseReader:
    def __init__(self, group: DoseGroup, rxa: Segment, context: MessageContext, notices: Notices) -> None:
        self._group = group
        self._rxa = rxa
        self._context = context
        self._notices = notices
        self._observed = [(observation[3].part(1), observation) for observation in group.observations]

    def record(self, position: Position) -> DoseRecord:
        rxa, rxr, context = self._rxa, self._group.rxr, self._context
        action = self._action()
        cvx, ndc = self._vaccine(action)
        completion = self._completion()
        outcome = self._outcome(completion, cvx)
        source = rxa[9].part(1)
        given_on = self._administered_on()
        if action != "D" and outcome in GIVEN and is_before_product(cvx, given_on):
            self._reject("RXA-3", "before-product", "a day on which the vaccine of RXA-5 was in use")
        return DoseRecord(
            position=position,
            person=context.person,
            outcome=outcome,
            action=action,
            administered_on=given_on,
            cvx=cvx,
            event=self._event(),
            completion=completion,
            refusal_reason=rxa[18].part(1),
            is_historical=source not in {"", NEW_RECORD},
            information_source=source,
            ndc=ndc,
            mvx=self._mvx(),
            lot=self._lot(),
            expires_on=self._expires_on(),
            site=rxr[2].part(1) if rxr else "",
            route=rxr[1].part(1) if rxr else "",
            facility=rxa[11].sub(4, 1) or rxa[11].sub(4, 2),
            funding_eligibility=self._funding_eligibility(),
            consent=context.consent,
            message_control_id=context.control_id,
            message_at=context.sent_at,
            sender=context.sender,
            evidence=self._evidence(),
            test_from=context.test_from,
        )

    def _administered_on(self) -> date:
        given_on = day(self._rxa[3].part(1)[:8])
        if given_on is None:
            self._reject("RXA-3", "date", DATE_RANGE)
        if self._context.sent_on is not None and given_on > self._context.sent_on:
            self._odd("RXA-3", "future", "a day not after that of the message (MSH-7)")
        birth_on = self._context.person.birth_on
        if birth_on is not None and given_on < birth_on:
            self._reject("RXA-3", "order", "a day not before the day of birth (PID-7)")
        return given_on

    def _vaccine(self, action: str) -> tuple[str, str]:
        """(CVX, NDC) by whichever of the two is sent in either of the field's two triplets."""
        cvx_text, ndc = self._vaccine_codes()
        if cvx_text:
            cvx = cvx_code(cvx_text)
            if cvx is None:
                self._reject("RXA-5", "cvx", "a code of CDC's CVX table")
            if ndc and cvx_of_ndc(ndc) not in {None, cvx}:
                self._odd("RXA-5", "ndc-differs", "an NDC of the vaccine that the CVX code names")
            return cvx, ndc
        if ndc:
            crossed = cvx_of_ndc(ndc)
            if crossed is None:
                self._reject("RXA-5", "ndc", "a CVX code, or an NDC of CDC's crosswalk")
            return crossed, ndc
        if action != "D":
            self._reject("RXA-5", "cvx", "a code of CDC's CVX table, or an NDC")
        return "", ""

    def _vaccine_codes(self) -> tuple[str, str]:
        parts = (self._rxa[5].parts() + [""] * 6)[:6]
        cvx = ndc = ""
        for code, system in ((parts[0], parts[2].upper()), (parts[3], parts[5].upper())):
            plain_number = not system and len(code) <= 3 and digits(code, len(code)) != ""
            if code and (system in CVX_SYSTEMS or plain_number):
                cvx = cvx or code
            elif code and system in NDC_SYSTEMS:
                ndc = ndc or code
        return cvx, ndc

    def _completion(self) -> str:
        completion = self._rxa[20].part(1) or "CP"
        if completion not in OUTCOMES:
            self._reject("RXA-20", "completion", "CP, RE, NA or PA of HL7 table 0322")
        return completion

    def _outcome(self, completion: str, cvx: str) -> DoseOutcome:
        reason = self._rxa[18]
        outcome = outcome_of(completion, cvx, MISSED in reason.text.lower())
        if outcome is DoseOutcome.REFUSED and not reason:
            self._odd("RXA-18", "refusal", "the reason of a refusal (NIP002)")
        return outcome

    def _action(self) -> Literal["A", "U", "D"]:
        action = self._rxa[21].part(1) or "A"
        if action not in ACTIONS:
            self._reject("RXA-21", "action", "A, U or D of HL7 table 0206")
        return cast(Literal["A", "U", "D"], action)

    def _event(self) -> EventKey | None:
        filler = self._group.orc[3] if self._group.orc else None
        if filler is None or names_nothing(filler.part(1)) or is_counted(filler.part(1)):
            return None
        return EventKey(filler.part(1), filler.part(2) or filler.part(3) or self._context.sender)

    def _mvx(self) -> str:
        code = self._rxa[17].part(1)
        if code and code not in manufacturers():
            self._odd("RXA-17", "mvx", "a code of CDC's MVX table")
        return code

    def _lot(self) -> str:
        text = self._rxa[15].part(1)
        if not text or is_lot(text):
            return text
        self._odd("RXA-15", "lot", EXPECTED)
        return ""

    def _expires_on(self) -> date | None:
        text = self._rxa[16].part(1)
        found = day(text[:8]) if text else None
        if text and found is None:
            self._odd("RXA-16", "date", DATE_RANGE)
        return found

    def _funding_eligibility(self) -> str:
        found = (observation[5].part(1) for what, observation in self._observed if what == FUNDING_ELIGIBILITY)
        return next(found, "")

    def _evidence(self) -> tuple[Evidence, ...]:
        """Immunity, contraindications and the like, coded; what was withdrawn is not said."""
        found, days = [], self._days()
        for what, observation in self._observed:
            kind = EVIDENCE.get(what)
            if kind is None or observation[11].part(1) in WITHDRAWN:
                continue
            if observation.crowded():
                self._reject("OBX-5", "repetitions", f"at most {MOST_REPEATS} repetitions of a field")
            effective_on = days.get((EFFECTIVE_ON, observation[4].text)) or day(observation[14].part(1)[:8])
            expires_on = days.get((EXPIRES_ON, observation[4].text))
            for value in observation[5].repeats():
                code, system = _coded(value)
                if code:
                    found.append(Evidence(kind, system, code, effective_on, expires_on))
                else:
                    self._odd("OBX-5", "evidence", "a code with its system, such as SCT")
        return tuple(found)

    def _days(self) -> dict[tuple[str, str], date]:
        """From when and until when evidence holds, by what is said and of which (OBX-4): the first that can be read."""
        found: dict[tuple[str, str], date] = {}
        for what, observation in self._observed:
            if what in {EFFECTIVE_ON, EXPIRES_ON} and (told_on := day(observation[5].part(1)[:8])):
                found.setdefault((what, observation[4].text), told_on)
        return found

    def _odd(self, name: str, code: str, expected: str) -> None:
        self._notices.where = self._rxa.number
        self._notices.add(name, code, expected)

    def _reject(self, name: str, code: str, expected: str) -> NoReturn:
        raise BadRow(name, code, expected, self._rxa.number)
