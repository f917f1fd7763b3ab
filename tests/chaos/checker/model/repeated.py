"""Transactions that were read before: the same content from ST to SE under the same numbers of the same plan."""

from dataclasses import dataclass, field, replace

from tests.chaos.checker.inputs.records import Part, Roster

Name = tuple[str, str, str]


@dataclass(slots=True)
class Readings:
    """By which file each was read first."""

    first: dict[Name, int] = field(default_factory=dict)

    def compared(self, roster: Roster, file_no: int) -> Roster:
        """The file, each of its transactions with the file that brought it first, if that was not it."""
        seen, parts = set[Name](), list[Part]()
        for part in roster.parts:
            name = _name(part)
            read_in = self.first.get(name, file_no if name in seen else 0)
            parts.append(part if part.is_cut else replace(part, read_in=read_in))
            seen.add(name)
        return replace(roster, parts=tuple(parts))

    def note(self, roster: Roster, file_no: int) -> None:
        """It was read to its end; what was cut off in it was not."""
        for part in roster.parts if not roster.is_cut else ():
            if not (part.read_in or part.is_cut):
                self.first.setdefault(_name(part), file_no)


def fresh(roster: Roster) -> Roster:
    """What of it was not read before."""
    return replace(roster, parts=tuple(part for part in roster.parts if not part.read_in))


def _name(part: Part) -> Name:
    return part.plan, part.control, part.content
