"""How a reader says that something is wrong: by place and expectation, never by the value it found."""

from services.eligibility.feeds.records import Notice, Rejection

# These mean that rows may be missing, so that a member's absence proves nothing.
INCOMPLETE = frozenset(
    {
        "truncated", "missing-trailer", "segment-count", "transaction-count", "group-count", "batch-count",
        "message-count", "declared-total", "record-count", "control-number", "outside-transaction", "unreadable",
    }
)  # fmt: skip


class BadRow(Exception):
    """The row can't be taken; the sender must correct the named field and send the row again."""

    def __init__(self, field: str, code: str, expected: str, where: int = 0) -> None:
        super().__init__(field, code, expected)
        self.field, self.code, self.expected, self.where = field, code, expected, where

    def rejection(self, row: int, where: int) -> Rejection:
        return Rejection(row, self.where or where, self.field, self.code, self.expected)


class Notices:
    """Collects what was odd in the row being read, until the reader hands it over with the row."""

    __slots__ = ("_found", "row", "where")

    def __init__(self) -> None:
        self._found: list[Notice] = []
        self.row = 0
        self.where = 0

    def add(self, field: str, code: str, expected: str) -> None:
        self._found.append(Notice(self.row, self.where, field, code, expected))

    def drain(self) -> list[Notice]:
        found, self._found = self._found, []
        return found
