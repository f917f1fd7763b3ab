"""When so much of a file is rejected that the rest is not read. Pure."""

from dataclasses import dataclass

TOO_MANY_REJECTS = "too-many-rejects"


@dataclass(frozen=True, slots=True)
class RejectCap:
    """A file ends once more than `most` of its rows, and more than `percent` of those read, were rejected."""

    most: int = 10_000
    percent: int = 25

    def is_over(self, rejected: int, read: int) -> bool:
        return rejected > self.most and rejected * 100 > self.percent * read

    @property
    def expected(self) -> str:
        return f"at most {self.most} rejected rows, or {self.percent} % of those read; nothing behind them was read"


USUAL = RejectCap()
