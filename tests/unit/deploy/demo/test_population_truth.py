"""The truth beside the files is true of the files: it is worked out again here from the bytes alone."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.demo.population import FileTruth
from deploy.demo.population.typos import misspell
from tests.unit.deploy.demo.worlds import World

Key = tuple[str, str, str, str]
Place = tuple[int, int]


def segments(row: list[list[str]], name: str) -> list[list[str]]:
    return [segment for segment in row if segment[0] == name]


def member_id(row: list[list[str]]) -> str:
    return next((ref[2] for ref in segments(row, "REF") if ref[1] == "0F"), "")


def key_of(row: list[list[str]]) -> Key | None:
    """Name, birth date and ZIP of a roster's row; None if it does not say who it is."""
    names, births = segments(row, "NM1")[0], segments(row, "DMG")
    first_is_birth = bool(births) and not births[0][2].endswith("1332")
    if not member_id(row) or not first_is_birth:
        return None
    return names[3], names[4], births[0][2], segments(row, "N4")[0][3]


def doses_of(world: World, number: int, file: FileTruth) -> Iterator[tuple[Place, Key, str, bool]]:
    """Place, key and registry id of each readable dose, and whether it may be tied by name."""
    rejected, row = {rejected.row for rejected in file.rejected}, 0
    for message in world.messages(file):
        pids = segments(message, "PID")
        for _ in segments(message, "RXA"):
            row += 1
            if row in rejected:
                continue
            pid = pids[0]
            family, given_name = pid[5].upper().split("^")[:2]
            yield (number, row), (family, given_name, pid[7], pid[11].split("^")[4]), pid[3].split("^")[0], True


class ExactLinker:
    """Links as simply as can be: by key, else by a registry id that a key has tied, else it waits."""

    def __init__(self) -> None:
        self.known: set[Key] = set()
        self.tied: dict[str, str] = {}
        self.links: dict[Place, str] = {}
        self.waiting: list[tuple[Place, Key, str]] = []

    def learn(self, key: Key) -> None:
        if key not in self.known:
            self.known.add(key)
            for place, waiting, registry_id in list(self.waiting):
                if waiting == key:
                    self.tie(registry_id, key[2])
                    self.links[place] = "later"

    def tie(self, registry_id: str, born: str) -> None:
        if registry_id not in self.tied:
            self.tied[registry_id] = born
            for place, waiting, waiting_id in self.waiting:
                if waiting_id == registry_id and waiting[2] == born:
                    self.links[place] = "later"

    def take(self, place: Place, key: Key, registry_id: str) -> None:
        if key in self.known:
            self.links[place] = "name"
            self.tie(registry_id, key[2])
        elif self.tied.get(registry_id) == key[2]:
            self.links[place] = "identifier"
        else:
            self.links[place] = "none"
            self.waiting.append((place, key, registry_id))


def test_a_simple_linker_finds_in_the_bytes_what_the_truth_says(world: World) -> None:
    """For every dose of every message: linked by name, by identifier, later, or not at all."""
    linker = ExactLinker()
    for number, file in enumerate(world.ledger.files):
        if file.kind == "834":
            for row in world.rows(file):
                if key := key_of(row):
                    linker.learn(key)
        elif file.kind == "vxu":
            for place, key, registry_id, _ in doses_of(world, number, file):
                linker.take(place, key, registry_id)
    truth = {
        (row["file"], row["row"]): row["link"]
        for _, _, row in world.reports()
        if row["link"] and row["kind"] != "extract"
    }
    refusals = set(linker.links) - set(truth)
    assert {place: linker.links[place] for place in truth} == truth
    assert len(refusals) == sum(person["refused"] for person in world.people)
    assert set(Counter(truth.values())) == {"name", "identifier", "later", "none"}


def test_no_dose_of_a_stranger_links(world: World) -> None:
    """Namesakes and shared record numbers must not give a member somebody else's dose."""
    links = {row["link"] for person, _, row in world.reports() if person["is_stranger"]}
    assert links <= {"none", None}


def test_what_links_is_visible_and_never_before_it_was_given_or_sent(world: World) -> None:
    """`visible_on` is the first day on which a consumer can count on a report."""
    for _, _, row in world.reports():
        assert (row["visible_on"] is None) == (row["link"] in {"none", None})
        if row["visible_on"]:
            assert row["visible_on"] >= max(row["given_on"], str(world.day_of(row)))


def test_who_leaves_prairie_is_missing_from_its_next_file(world: World) -> None:
    """Absence terminates, so a full file lists everybody but those who left, and no one else is missing."""
    files = [file for file in world.files("834") if file.sender == "PRAIRIE"]
    left = {
        enrolment["member_id"]: date.fromisoformat(enrolment["ended_on"])
        for person in world.people
        for enrolment in person["enrolments"]
        if enrolment["plan"] == "PRAIRIE" and enrolment["ended_on"]
    }
    gone: set[str] = set()
    before: set[str] = set()
    for file in files:
        listed = {member_id(row) for row in world.rows(file)} - {""}
        missing = before - listed
        assert all(left[one] < file.day for one in missing)
        assert not gone & listed
        gone |= missing
        before = listed
    assert gone == set(left)
    assert gone


def test_a_full_file_after_the_one_with_nameless_rows_has_none(world: World) -> None:
    """What a careful reader withholds for rows that could be anybody's, the next file makes good."""
    unidentified = [file.unidentified for file in world.files("834") if file.sender == "PRAIRIE"]
    assert unidentified[1] > 0
    assert sum(unidentified) == unidentified[1]


def test_a_merge_names_both_ids_of_one_person(world: World) -> None:
    """NM1*74 is the id that stays, NM1*70 and REF*Q4 the one that goes, and both were in the first file."""
    pairs = {}
    for file in world.files("834"):
        for row in world.rows(file):
            if segments(row, "INS")[0][4] == "25":
                corrected, previous = (name for name in segments(row, "NM1"))
                assert (corrected[1], previous[1], previous[8]) == ("74", "70", "ZZ")
                assert next(ref[2] for ref in segments(row, "REF") if ref[1] == "Q4") == previous[9]
                pairs[previous[9]] = member_id(row)
    truth = {
        enrolment["member_id"]: enrolment["merged_into"]
        for person in world.people
        for enrolment in person["enrolments"]
        if enrolment["merged_into"]
    }
    assert pairs == truth
    assert pairs
    first = {member_id(row) for row in world.rows(world.files("834")[0])}
    assert set(pairs) <= first


def test_a_member_is_known_from_the_first_whole_row(world: World) -> None:
    """`known_from` is the day of the first file in which the member's row says who it is."""
    seen: dict[str, str] = {}
    for file in world.files("834"):
        for row in world.rows(file):
            if key_of(row):
                seen.setdefault(member_id(row), str(file.day))
    truth = {one["member_id"]: one["known_from"] for person in world.people for one in person["enrolments"]}
    assert {one: day for one, day in truth.items() if day} == seen


def test_what_was_never_given_is_deleted_again(world: World) -> None:
    """Each mistaken dose has one report that adds it and a later one that deletes it, under the same number."""
    actions = {
        (number, place): rxa[21] if len(rxa) > 21 else ""
        for number, file in enumerate(world.ledger.files)
        if file.kind == "vxu"
        for place, rxa in enumerate(
            (rxa for message in world.messages(file) for rxa in segments(message, "RXA")), 1
        )
    }  # fmt: skip
    mistaken = [dose for person in world.people for dose in person["doses"] if not dose["was_given"]]
    assert mistaken
    for dose in mistaken:
        added, deleted = dose["reports"]
        assert [actions[row["file"], row["row"]] for row in (added, deleted)] == ["A", "D"]
        assert (added["file"], added["row"]) < (deleted["file"], deleted["row"])
        assert added["event"] == deleted["event"]


def test_a_correction_restores_the_truth(world: World) -> None:
    """After the update date and lot are those of the dose; one of them was wrong before."""
    corrections = [(dose, row) for _, dose, row in world.reports() if row["kind"] == "corrected"]
    assert corrections
    assert all(row["given_on"] == dose["given_on"] for dose, row in corrections)


def test_nobody_is_vaccinated_after_death(world: World) -> None:
    """Members die in the programme; their doses lie before."""
    died = [person for person in world.people if person["died_on"]]
    assert died
    assert all(dose["given_on"] < person["died_on"] for person in died for dose in person["doses"])


def test_record_numbers_are_shared_by_different_people(world: World) -> None:
    """A clinic's number alone would link two people; their birth dates tell them apart."""
    owners: dict[tuple[str, str], set[str]] = defaultdict(set)
    for file in world.files("vxu"):
        for message in world.messages(file):
            for pid in segments(message, "PID"):
                for identifier in pid[3].split("~"):
                    value, _, _, assigner, kind = identifier.split("^")
                    if kind == "MR" and pid[7]:
                        owners[assigner, value].add(pid[7])
    assert sum(len(births) > 1 for births in owners.values()) >= 3


@given(
    st.sampled_from(["Nguyen", "Li", "Ng", "Garcia Lopez", "O'Brien", "Ee", "Ter-Petrosyan"]),
    st.sampled_from(["Li", "Mai", "Guadalupe", "Bo", "Jo"]),
    st.dates(min_value=date(1921, 1, 1), max_value=date(1961, 1, 1)),
    st.randoms(use_true_random=False),
)
def test_a_misspelling_never_equals_the_truth(family: str, given_name: str, birth_on: date, random: Random) -> None:
    """However short the name, an exact comparison that ignores case and punctuation fails."""
    wrong = misspell(family, given_name, birth_on, random)

    def plain(name: str) -> str:
        return "".join(letter for letter in name.lower() if letter.isalpha())

    assert (plain(wrong[0]), plain(wrong[1]), wrong[2]) != (plain(family), plain(given_name), birth_on)


@pytest.mark.parametrize("weeks", [0, 1])
def test_too_short_a_programme_is_refused(world: World, weeks: int) -> None:
    """A move or an end needs a file before and one after it."""
    from deploy.demo.population import generate

    with pytest.raises(ValueError, match="two weeks"):
        generate(world.out, members=10, weeks=weeks)
