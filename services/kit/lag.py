"""How far one subscription is behind, in records and in time, by partition."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aiokafka import ConsumerRecord, TopicPartition

from services.kit import metrics


@dataclass(slots=True)
class _Pace:
    """How late one partition is. It is so since the last record that was applied, or since it was last seen with
    nothing to read, whichever is later: what came after a quiet week is not a week late.

    What was late before this process saw it, as after a downtime or in a rebuild, it is not this process's to answer
    for as long as each second makes up for another one: from the first record on a line runs through the log's time at
    twice the clock's pace, and only who falls behind that, or applies nothing, is late."""

    seen_at: float
    since: float | None = None
    """The log's time up to which all is applied; None before the first record."""
    began: float | None = None
    """The log's time at the first record, until all was read once."""

    def applied(self, written_at: float) -> None:
        if self.since is None:
            self.began = written_at
        self.since = max(written_at, self.since or written_at)

    def late_s(self, now: float) -> float:
        """Grows by a second a second, or two, while nothing is applied; never longer than it was watched, or than the
        log itself is old, until it has caught up once."""
        watched = now - self.seen_at
        if self.since is None:
            return watched
        if self.began is None:
            return now - self.since
        return min(watched, now - self.since, self.began + 2 * watched - self.since)


@dataclass(slots=True)
class Lag:
    """Of one subscription."""

    topic: str
    group: str
    _paces: dict[int, _Pace] = field(default_factory=dict)

    def applied(self, records: Sequence[ConsumerRecord]) -> None:
        """These records are done. Of a partition that was not looked at yet nothing is known."""
        for record in records:
            if pace := self._paces.get(record.partition):
                pace.applied(record.timestamp / 1000)

    def tell(self, behind: Mapping[TopicPartition, int], now: float) -> None:
        """Set the metrics: `behind` in records, of every partition that this process has. What it had before and has no
        longer is told by whoever has it now."""
        self._forget({place.partition for place in behind})
        for place, records in behind.items():
            metrics.LAG_PARTITION.labels(self.topic, self.group, str(place.partition)).set(records)
            if records == 0:
                self._paces[place.partition] = _Pace(now, since=now)
            else:
                self._paces.setdefault(place.partition, _Pace(now))
        late = [self._paces[place.partition].late_s(now) for place, records in behind.items() if records]
        metrics.LAG_SECONDS.labels(self.topic, self.group).set(max([0.0, *late]))

    def _forget(self, held: set[int]) -> None:
        for partition in self._paces.keys() - held:
            metrics.LAG_PARTITION.remove(self.topic, self.group, str(partition))
            del self._paces[partition]
