"""Writes the state registry's HL7 2.5.1 VXU^V04 (Z22) batch files, with the messages that are wrong on purpose."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random

from deploy.demo.population import rates
from deploy.demo.population.doses import Dose
from deploy.demo.population.hl7 import batch_headers, batch_trailers, coded, message_header
from deploy.demo.population.ledger import FileTruth, Rejected
from deploy.demo.population.names import LANGUAGE_NAMES
from deploy.demo.population.products import PFIZER
from deploy.demo.population.reports import Report

REGISTRY, APPLICATION = "CAIR", "CAIR2"
UNKNOWN_CVX = "897"
# A lenient reader keeps the row, but it can't link, or can't count yet.
MAY_BE_KEPT = {"missing-birth-date", "dated-ahead"}
DELTOIDS = ("LD^Left Deltoid^HL70163", "RD^Right Deltoid^HL70163")


class Registry:
    """One batch file a day; long histories are cut into several files of the first day."""

    def __init__(self, seed: int) -> None:
        self.random = Random(f"{seed}:registry")
        self.messages = 0

    def write(self, out: Path, day: date, part: int, reports: list[Report], file_number: int) -> FileTruth:
        folder = out / day.isoformat()
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{REGISTRY.lower()}-vxu-{day:%Y%m%d}-{part:02d}.hl7"
        truth = FileTruth(f"{day.isoformat()}/{name}", day, "vxu", REGISTRY)
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            file.write(batch_headers(APPLICATION, REGISTRY, day, part))
            for report in reports:
                file.write("".join(f"{segment}\r" for segment in self._message(report, day)))
                _account(truth, report, file_number)
            file.write(batch_trailers(len(reports)))
        return truth

    def _message(self, report: Report, day: date) -> Iterator[str]:
        self.messages += 1
        control = f"{REGISTRY}{day:%y%m%d}{self.messages:07d}"
        yield message_header(APPLICATION, REGISTRY, day, control)
        if report.defect != "no-patient":
            yield self._pid(report, day)
            yield self._pd1(report, day)
        if report.also:
            yield from self._historical(report.also)
        if report.kind == "refusal":
            yield from self._refusal(report)
        else:
            yield from self._administered(report)

    def _pid(self, report: Report, day: date) -> str:
        person, dose = report.dose.person, report.dose
        home = person.home(day)
        born = "" if report.defect == "missing-birth-date" else f"{report.birth_on:%Y%m%d}"
        tract = home.tract.fips if self.random.random() < rates.TRACT_IN_PID else ""
        name = f"{report.family}^{report.given}^{person.middle}^^^^L"
        races = "~".join(map(coded, person.races))
        address = (
            f"{home.street}^{home.unit}^{home.place.city}^CA^{home.place.zip5}^USA^H^^{home.place.county}^{tract}"
        ).rstrip("^")
        phone = f"^PRN^PH^^^{person.phone[:3]}^{person.phone[3:]}" if person.phone else ""
        language = f"{person.language}^{LANGUAGE_NAMES[person.language]}^ISO6392"
        ethnicity = coded(person.ethnicity)
        ids = f"{report.registry_id}^^^{REGISTRY}^SR~{report.mrn}^^^{dose.site}^MR"
        return (
            f"PID|1||{ids}||{name}||{born}|{person.sex}||{races}|{address}||{phone}||{language}|||||||{ethnicity}"
            f"||||||||N"
        )

    def _pd1(self, report: Report, day: date) -> str:
        protected = "Y" if report.dose.person.is_protected else "N"
        since = f"{day:%Y%m%d}"
        return f"PD1|||||||||||02^Reminder/recall - any method^HL70215|{protected}|{since}|||A|{since}|{since}"

    def _administered(self, report: Report) -> Iterator[str]:
        dose, product = report.dose, report.dose.product
        given = f"{report.given_on:%Y}0231" if report.defect == "bad-date" else f"{report.given_on:%Y%m%d}"
        cvx = UNKNOWN_CVX if report.defect == "unknown-cvx" else product.cvx
        yield _orc(report.event, dose)
        rxa = f"RXA|0|1|{given}|{given}|{cvx}^{product.label}^CVX^{product.ndc}^{product.trade}^NDC"
        if report.defect == "truncated":
            yield rxa[: 4 + rxa.index("|", 8)]
            return
        expires = dose.given_on.replace(day=1) + timedelta(days=120)
        yield (
            f"{rxa}|{product.volume}|mL^mL^UCUM||00^New Record^NIP001||^^^{dose.site}||||{report.lot}"
            f"|{expires:%Y%m%d}|{product.mvx}^{product.maker}^MVX|||CP|{report.action}"
        )
        if report.action == "D":
            return
        yield f"RXR|C28161^Intramuscular^NCIT|{self.random.choice(DELTOIDS)}"
        yield f"OBX|1|CE|64994-7^Vaccine Funding Program Eligibility^LN|1|V01^Not VFC Eligible^HL70064||||||F|||{given}"
        yield f"OBX|2|NM|30973-2^Dose number in series^LN|1|{dose.ordinal}||||||F|||{given}"

    def _historical(self, report: Report) -> Iterator[str]:
        product, given = report.dose.product, f"{report.given_on:%Y%m%d}"
        yield _orc(report.event, report.dose)
        yield (
            f"RXA|0|1|{given}|{given}|{product.cvx}^{product.label}^CVX|999|||01^Historical Administration^NIP001"
            f"|||||||||||CP|A"
        )

    def _refusal(self, report: Report) -> Iterator[str]:
        given = f"{report.given_on:%Y%m%d}"
        yield _orc("9999", report.dose)
        yield (
            f"RXA|0|1|{given}|{given}|{PFIZER.cvx}^{PFIZER.label}^CVX|999||||||||||||03^Patient decision^NIP002||RE|A"
        )


def _orc(event: str, dose: Dose) -> str:
    return f"ORC|RE||{event}^{REGISTRY}{'|' * 14}{dose.site}^Clinic {dose.site}^HL70362"


def _account(truth: FileTruth, report: Report, file_number: int) -> None:
    rows = [report.also, report] if report.also else [report]
    for row in rows:
        truth.rows += 1
        truth.count(row.kind)
        row.file, row.row = file_number, truth.rows
        if report.defect:
            truth.rejected.append(Rejected(truth.rows, report.defect, optional=report.defect in MAY_BE_KEPT))
    truth.repeated += report.kind == "repeated"
