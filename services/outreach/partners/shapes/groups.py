"""What the API of groups and of meetings takes and gives."""

from datetime import date
from typing import Annotated

from pydantic import Field, StringConstraints

from schemas.envelope import Code, CountyFips, Day
from schemas.texts import Text
from services.outreach.partners.rules import Cadence, Decision, Group
from services.outreach.partners.shapes.partners import Line
from services.outreach.worklist.shapes import Shape


class GroupIn(Shape):
    """Partners who govern together; all of them are described already."""

    name: Line
    county: CountyFips
    backbone: Code = Field(description="The partner that holds the group together.")
    members: tuple[Code, ...] = Field(min_length=1, max_length=100)
    aim: Line | None = None
    meets: Cadence = Cadence.AS_NEEDED

    def group(self, group_id: str) -> Group:
        """The group as described."""
        members = frozenset(self.members)
        return Group(group_id, self.name, self.county, self.backbone, members, self.aim or "", self.meets)


class GroupOut(Shape):
    """A group as it is known."""

    group_id: str
    version: int = Field(description="The ETag, by which a change is asked for.")
    name: str
    county: str
    backbone: str
    members: tuple[str, ...]
    aim: str | None
    meets: Cadence


class GroupsOut(Shape):
    """A plan's groups, by their codes."""

    groups: tuple[GroupOut, ...]


class DecisionIn(Shape):
    """What a meeting decided; nothing of a member."""

    met_on: Day
    decided: Annotated[Text, StringConstraints(max_length=500)]

    def decision(self) -> Decision:
        """The decision as told."""
        return Decision(self.met_on, self.decided)


class DecisionOut(Shape):
    """What a meeting decided."""

    met_on: date
    decided: str


class DecisionsOut(Shape):
    """The last hundred, the latest meeting first."""

    decisions: tuple[DecisionOut, ...]


def group_of(group: Group, version: int) -> GroupOut:
    """The group as the API gives it."""
    return GroupOut(
        group_id=group.group_id,
        version=version,
        name=group.name,
        county=group.county,
        backbone=group.backbone,
        members=tuple(sorted(group.members)),
        aim=group.aim or None,
        meets=group.meets,
    )
