"""The envelope of an X12 834 005010X220A1: one interchange, one group, one transaction set, its segments counted."""

import unicodedata
from datetime import date
from typing import TextIO

RECEIVER = "VCC"
SEPARATORS = str.maketrans("", "", "*~:^")


def clean(text: str) -> str:
    """Upper case without accents and without the characters that separate, as plans send names."""
    if text.isascii():
        return text.upper().translate(SEPARATORS)
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return plain.upper().translate(SEPARATORS)


class Interchange:
    """Writes as it goes: `open`, then `put` for each member, then `close`."""

    def __init__(self, file: TextIO, sender: str, day: date, number: int, newline: str = "") -> None:
        self.file, self.sender, self.day = file, sender, day
        self.control = f"{number:09d}"
        self.end = f"~{newline}"
        self.segments = 0

    def open(self, sponsor: str, tax_id: str, total: int, *, is_full: bool) -> None:
        day = self.day
        parties = f"ZZ*{self.sender:15}*ZZ*{RECEIVER:15}"
        isa = f"ISA*00*{'':10}*00*{'':10}*{parties}*{day:%y%m%d}*0600*^*00501*{self.control}*0*P*:"
        group = f"GS*BE*{self.sender}*{RECEIVER}*{day:%Y%m%d}*0600*{int(self.control)}*X*005010X220A1"
        self.file.write(isa + self.end + group + self.end)
        self.put(
            "ST*834*0001*005010X220A1",
            f"BGN*00*{self.sender}-{day:%Y%m%d}-{self.control}*{day:%Y%m%d}*0600*PT***{4 if is_full else 2}",
            f"REF*38*{self.sender}-VCC-2021",
            f"DTP*007*D8*{day:%Y%m%d}",
            f"QTY*ET*{total}",
            "QTY*DT*0",
            f"QTY*TO*{total}",
            f"N1*P5*{sponsor}*FI*{tax_id}",
            "N1*IN*VACCINE COMMUNITY CONNECTORS*FI*990000000",
        )

    def put(self, *segments: str) -> None:
        self.segments += len(segments)
        self.file.write(self.end.join(segments) + self.end)

    def close(self) -> None:
        self.put(f"SE*{self.segments + 1}*0001")
        self.file.write(f"GE*1*{int(self.control)}{self.end}IEA*1*{self.control}{self.end}")
