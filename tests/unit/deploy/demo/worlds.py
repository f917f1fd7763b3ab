"""A generated population as its files and its truth say it."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from deploy.demo.population import FileTruth, Ledger

Record = dict[str, Any]


@dataclass(frozen=True)
class World:
    out: Path
    ledger: Ledger
    people: list[Record]

    def files(self, kind: str) -> list[FileTruth]:
        return [file for file in self.ledger.files if file.kind == kind]

    def text(self, file: FileTruth) -> str:
        return (self.out / file.path).read_bytes().decode()

    def rows(self, file: FileTruth) -> Iterator[list[list[str]]]:
        """The INS loops of a roster, as segments of elements."""
        row: list[list[str]] = []
        for segment in self.text(file).replace("\n", "").split("~"):
            elements = segment.split("*")
            if elements[0] in {"INS", "SE"}:
                if row:
                    yield row
                row = []
            if elements[0] == "INS" or row:
                row.append(elements)

    def messages(self, file: FileTruth) -> Iterator[list[list[str]]]:
        """The messages of a batch, as segments of fields."""
        message: list[list[str]] = []
        for segment in self.text(file).split("\r"):
            fields = segment.split("|")
            if fields[0] in {"MSH", "BTS"}:
                if message:
                    yield message
                message = []
            if fields[0] == "MSH" or message:
                message.append(fields)

    def reports(self) -> Iterator[tuple[Record, Record, Record]]:
        """Person, dose and report, of every row of the registry."""
        for person in self.people:
            for dose in person["doses"]:
                for report in dose["reports"]:
                    yield person, dose, report

    def day_of(self, report: Record) -> date:
        return self.ledger.files[report["file"]].day


def read_world(out: Path, ledger: Ledger) -> World:
    with gzip.open(out / ledger.people, "rt", encoding="utf-8") as lines:
        assert "synthetic" in json.loads(next(lines))["note"]
        return World(out, ledger, [json.loads(line) for line in lines])
