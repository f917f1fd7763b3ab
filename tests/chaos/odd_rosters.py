"""Rosters of two small plans that are awkward on purpose: several plans' lists in one file, lists in parts, lists that
leave out a quarter, numbers that pass to somebody else, rows of which it is doubtful whom they mean, files that do not
come in their turn, that stop in the middle and come whole, or that bring again what was read before. All of it follows
from the seed; what must come of it is the checker's to say."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random

FAMILIES = ("Abernathy", "Birdwhistle", "Cholmondeley", "Dunwoody", "Eglantine", "Featherstone", "Gildersleeve",
            "Hollingberry", "Inchbald", "Jessamine", "Kirkbride", "Lillywhite", "Merriweather", "Nightingale",
            "Ollerenshaw", "Pennyfeather", "Quillfeather", "Ravenscroft", "Satterthwaite", "Thistlewood")  # fmt: skip
GIVEN = ("Augusta", "Bertram", "Cordelia", "Dietrich", "Euphemia", "Ferdinand", "Gwendolyn", "Horatio", "Isidora",
         "Jeremiah", "Keziah", "Leopold", "Mehitabel", "Nathaniel", "Ottoline", "Peregrine", "Quentin", "Rosamund",
         "Sylvester", "Theodora")  # fmt: skip
PLACES = ("90001", "90011", "90210", "94301", "95205")
MESA, DELTA = "MESA", "DELTA"
SIZES = {MESA: 16, DELTA: 4}  # of four members a single one is a quarter
SIX, SEVEN = time(6), time(7)
BEGIN = "20200101"
REASONS = {"021": "28", "001": "25", "024": "07", "030": "XN"}
ODD_ROWS = 5


@dataclass(frozen=True, slots=True)
class Entry:
    """A member as the plan has him in its book; `before` is who he was until now: a number, a name, a birth date, of
    which some may be empty."""

    number: str
    family: str
    given: str
    birth_on: date | None
    sex: str
    zip5: str
    before: tuple[str, str, str, date | None] | None = None

    def segments(self, action: str, day: date) -> list[str]:
        """A row that does this with him."""
        ends = action == "024"
        prior, family, given, birth_on = self.before or ("", "", "", None)
        return [
            f"INS*Y*18*{action}*{REASONS[action]}*A*C**{'TE' if ends else 'AC'}",
            f"REF*0F*{self.number}",
            *([f"REF*Q4*{prior}"] if prior else []),
            f"DTP*356*D8*{BEGIN}",
            *([f"DTP*357*D8*{day:%Y%m%d}"] if ends else []),
            f"NM1*{'74' if self.before else 'IL'}*1*{self.family.upper()}*{self.given.upper()}",
            "N3*7 ODD LANE",
            f"N4*LOS ANGELES*CA*{self.zip5}",
            *([f"DMG*D8*{self.birth_on:%Y%m%d}*{self.sex}"] if self.birth_on else []),
            *([f"NM1*70*1*{family.upper()}*{given.upper()}"] if family else []),
            *([f"DMG*D8*{birth_on:%Y%m%d}*{self.sex}"] if family and birth_on else []),
            f"HD*{action}**HLT*MEDICARE ADVANTAGE",
            f"DTP*348*D8*{BEGIN}",
            *([f"DTP*349*D8*{day:%Y%m%d}"] if ends else []),
        ]


@dataclass(frozen=True, slots=True)
class Told:
    """One transaction: a list, or changes; each row with what it does."""

    at: datetime
    rows: Sequence[tuple[str, Entry]]
    is_full: bool = False
    sponsor: int = 1


def interchange(sender: str, control: int, *told: Told) -> str:
    """One envelope about these transactions."""
    at, body = told[0].at, []
    for number, one in enumerate(told, 1):
        rows = [segment for action, entry in one.rows for segment in entry.segments(action, one.at.date())]
        inside = [
            f"BGN*00*{sender}-{control}-{number}*{one.at:%Y%m%d*%H%M}*PT***{4 if one.is_full else 2}",
            f"N1*P5*{sender} TRUST*FI*88000000{one.sponsor}",
            f"N1*IN*{sender} HEALTH PLAN*FI*880000009",
            *rows,
        ]
        body += [f"ST*834*{number:04d}*005010X220A1", *inside, f"SE*{len(inside) + 2}*{number:04d}"]
    parties = f"ZZ*{sender:15}*ZZ*{'VCC':15}"
    isa = f"ISA*00*{'':10}*00*{'':10}*{parties}*{at:%y%m%d*%H%M}*^*00501*{control:09d}*0*P*:"
    gs = f"GS*BE*{sender}*VCC*{at:%Y%m%d*%H%M}*{control}*X*005010X220A1"
    return "".join(f"{one}~" for one in (isa, gs, *body, f"GE*{len(told)}*{control}", f"IEA*1*{control:09d}"))


@dataclass(slots=True)
class OddRosters:
    """Writes the files of each beat into `feeds`; `books` are the plans' own, by number."""

    feeds: Path
    first_day: date
    random: Random
    books: dict[str, dict[str, Entry]] = field(default_factory=dict)
    controls: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SIZES, 100))
    _names: list[tuple[str, str]] = field(default_factory=list)
    _told: dict[str, Entry] = field(default_factory=dict)
    _lists_told: str = ""
    _changes: tuple[int, datetime] = (0, datetime.min)  # noqa: DTZ901 - senders' clocks

    def __post_init__(self) -> None:
        self._names = [(family, given) for family in FAMILIES for given in GIVEN]
        self.random.shuffle(self._names)
        for plan, size in SIZES.items():
            self.books[plan] = {}
            for number in range(1, size + 1):
                self.add(plan, f"{plan[0]}{number:05d}")

    def somebody(self, number: str) -> Entry:
        family, given = self._names.pop()
        birth_on = date(self.random.randrange(1925, 1955), self.random.randrange(1, 13), self.random.randrange(1, 28))
        return Entry(number, family, given, birth_on, self.random.choice("FM"), self.random.choice(PLACES))

    def add(self, plan: str, number: str) -> Entry:
        entry = self.books[plan][number] = self.somebody(number)
        return entry

    def write(self, beat: int, day_no: int) -> list[str]:
        """The files of a beat, by their paths, in the order in which they are to be sent."""
        day = self.first_day + timedelta(days=day_no)
        wanted = (self._census, self._lists, self._changes_of_numbers, self._changes_again, self._older_beside_newer,
                  self._out_of_turn, self._last_lists)  # fmt: skip
        found = []
        for number, content in enumerate(wanted[beat](day)):
            path = f"odd/{beat}-{number}.x12"
            (self.feeds / "odd").mkdir(exist_ok=True)
            (self.feeds / path).write_text(content, "ascii")
            found.append(path)
        return found

    # -- what is in the files

    def _census(self, day: date) -> Iterable[str]:
        """Both plans in one file, one list in two parts."""
        yield self._joined(day, {plan: list(book.values()) for plan, book in self.books.items()})

    def _lists(self, day: date) -> Iterable[str]:
        """Each plan by itself: a few of one have left, and of the other, perhaps, a quarter."""
        staying = {
            MESA: self._without(MESA, self.random.randrange(1, 4)),
            DELTA: self._without(DELTA, self.random.randrange(2)),
        }
        self._lists_told = self._joined(day, staying)
        yield self._lists_told

    def _changes_of_numbers(self, day: date) -> Iterable[str]:
        """A number that is given to somebody else, and rows that fit its holder in part."""
        entries = self.random.sample(sorted(self.books[MESA].values(), key=lambda one: one.number), 4)
        given_away, doubtful, added, ended = entries
        stranger = replace(self.somebody(doubtful.number), sex=doubtful.sex)
        rows = [
            ("021", self.add(MESA, given_away.number)),
            ("001", stranger),
            ("021", replace(added, birth_on=self._another_day(added.birth_on))),
            ("024", self.somebody(ended.number)),
            *self._odd_rows(),
        ]
        self._told = {"given away": given_away, "doubtful": stranger, "added": added}
        told = Told(datetime.combine(day, SIX), rows)
        control = self._next(MESA)
        self._changes = control, told.at
        whole = interchange(MESA, control, told)
        # Cut off within a member or between two, and then sent whole under the same numbers.
        yield whole[: whole.rindex(self.random.choice(("~INS*", "*021*", "~NM1*", "~SE*"))) + 1]
        yield whole

    def _changes_again(self, day: date) -> Iterable[str]:
        """Who had the number is told of by exact name; a doubtful row comes again; others find their order."""
        moved = replace(self._told["given away"], zip5=self.random.choice(PLACES))
        exactly = replace(self._told["added"], zip5=self.random.choice(PLACES))
        rows = [
            ("001", moved),
            ("001", exactly),
            ("001", self._told["doubtful"]),
            ("030", replace(moved, number=f"{moved.number}B")),
            *self._odd_rows(),
        ]
        self.random.shuffle(rows)
        early, late = datetime.combine(day, SIX), datetime.combine(day, SEVEN)
        first = interchange(MESA, self._next(MESA), Told(early, rows))
        yield first
        more = interchange(MESA, self._next(MESA), Told(late, [("001", self._told["doubtful"])]))
        yield self._behind(first, more)

    def _older_beside_newer(self, day: date) -> Iterable[str]:
        """Yesterday's list and today's in one file; later comes one of before them."""
        book = list(self.books[MESA].values())
        newer = self._without(MESA, self.random.choice((1, 2, 5)))
        gone = [one for one in book if one not in newer]
        of_a_part = gone + self.random.sample(
            newer, min(len(newer), 3 * len(gone))
        )  # a quarter of the older list, and of no other
        yesterday = datetime.combine(day - timedelta(days=1), SIX)
        older = Told(yesterday, _listed(self.random.choice((book, of_a_part))), is_full=True)
        today = Told(datetime.combine(day, SIX), _listed(newer), is_full=True)
        before_it = interchange(MESA, self._next(MESA), older)
        if self.random.random() < 0.5:
            yield before_it  # so that it comes again with today's
        yield self._behind(before_it, interchange(MESA, self._next(MESA), today))
        late = self.random.sample(book, len(book) - 1)
        before = Told(yesterday - timedelta(days=1), _listed(late), is_full=True)
        yield interchange(MESA, self._next(MESA), before)

    def _out_of_turn(self, day: date) -> Iterable[str]:
        """Other content under the numbers and the instant of another file; and what is older than what stands."""
        control, at = self._changes
        yield interchange(MESA, control, Told(at, self._odd_rows()))
        new = interchange(MESA, self._next(MESA), Told(datetime.combine(day, SIX), self._odd_rows()))
        yield self._behind(self._lists_told, new)

    def _last_lists(self, day: date) -> Iterable[str]:
        """With changes of yesterday, which the list knows nothing of, and of today, which are newer than it."""
        yesterday, today = datetime.combine(day - timedelta(days=1), SIX), datetime.combine(day, SEVEN)
        early, late = (Told(at, [("021", self.somebody(f"M9{at:%d%H}"))]) for at in (yesterday, today))
        whole = [interchange(MESA, self._next(MESA), one) for one in (early, late)]
        whole.append(self._joined(day, {plan: list(book.values()) for plan, book in self.books.items()}))
        self.random.shuffle(whole)
        yield "".join(whole)

    # -- how

    def _behind(self, read_before: str, new: str) -> str:
        """One file of both: some senders append today's interchange to what they sent before."""
        return read_before + new if self.random.random() < 0.5 else new + read_before

    def _joined(self, day: date, staying: dict[str, list[Entry]]) -> str:
        """Lists of both plans, the larger one parted within a transaction or an interchange, in some order."""
        mesa, at = staying[MESA], datetime.combine(day, SIX)
        half, (apart, sponsor) = self.random.randrange(1, len(mesa)), self.random.choice(((10, 1), (10, 2), (800, 2)))
        parts = [Told(at, _listed(mesa[:half]), is_full=True),
                 Told(at + timedelta(minutes=apart), _listed(mesa[half:]), is_full=True, sponsor=sponsor)]  # fmt: skip
        whole = [interchange(DELTA, self._next(DELTA), Told(at, _listed(staying[DELTA]), is_full=True))]
        if self.random.random() < 0.5:
            whole += [interchange(MESA, self._next(MESA), *parts)]
        else:
            whole += [interchange(MESA, self._next(MESA), one) for one in parts]
        self.random.shuffle(whole)
        return "".join(whole)

    def _odd_rows(self) -> list[tuple[str, Entry]]:
        """Somebody's number with a name and a birth date that are his, nearly his, another member's, or nobody's."""
        book = sorted(self.books[MESA].values(), key=lambda one: one.number)
        found = []
        for _ in range(ODD_ROWS):
            one, other, stranger = self.random.choice(book), self.random.choice(book), self.somebody("")
            fresh = f"M8{self._next(MESA):04d}"
            was, prior = (one.family, one.given, one.birth_on), (one.number, "", "", None)
            kinds = (
                replace(one, zip5=stranger.zip5),
                replace(one, family=stranger.family),
                replace(one, given=stranger.given),
                replace(one, birth_on=self._another_day(one.birth_on)),
                replace(one, birth_on=self._nearly(one.birth_on)),
                replace(one, birth_on=None),
                replace(one, birth_on=None, family=stranger.family),
                replace(one, given=one.given[:-1]),
                replace(one, given=one.given[:-1], birth_on=self._another_day(one.birth_on)),
                replace(stranger, number=one.number, before=("", *was)),
                replace(stranger, number=fresh, before=prior),
                replace(one, number=fresh, before=prior),
                replace(one, number=fresh, given=stranger.given, birth_on=None, before=prior),
                replace(other, number=one.number),
                replace(stranger, number=one.number),
            )
            found.append((self.random.choice(("001", "001", "021", "024", "030")), self.random.choice(kinds)))
        return found

    def _nearly(self, day: date | None) -> date | None:
        """A slip: another day of the month."""
        return day and day.replace(day=day.day % 28 + 1)

    def _another_day(self, day: date | None) -> date | None:
        """No slip: another day, month and year."""
        return day and date(day.year + self.random.choice((-3, 5, 20)), day.month % 12 + 1, day.day % 28 + 1)

    def _without(self, plan: str, count: int) -> list[Entry]:
        """Those who stay when so many have left the plan."""
        for number in self.random.sample(sorted(self.books[plan]), count):
            del self.books[plan][number]
        return list(self.books[plan].values())

    def _next(self, plan: str) -> int:
        self.controls[plan] += 1
        return self.controls[plan]


def _listed(entries: Iterable[Entry]) -> list[tuple[str, Entry]]:
    return [("030", one) for one in entries]
