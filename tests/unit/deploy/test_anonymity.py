"""How many people stand alone with what a topic carries of them."""

from deploy.anonymity import Share, is_of_the_person, share
from schemas.eligibility_v1 import MemberEligibilityDecidedV1
from tests.facts import a_fact

ENTITY = ("enrolment_id", "programme_id")


def test_people_are_told_apart_by_their_newest_facts() -> None:
    """Of two versions the newer counts; two who say the same are not alone, and one with another ZIP is."""
    facts = [
        a_fact("ada", zip5="60601"), a_fact("ada", version=2), a_fact("bea"), a_fact("cyd", zip5="60609"),
    ]  # fmt: skip
    bodies = [fact.model_dump(mode="json") for fact in facts]
    assert share(bodies, ENTITY, lambda name: name == "zip5") == Share(3, 1, 3)
    assert share(bodies[1:3], ENTITY, is_of_the_person(MemberEligibilityDecidedV1)) == Share(2, 0, 2)


def test_ids_and_days_of_facts_tell_nobody_apart() -> None:
    """Tokens and versions differ for everybody by design; a new field is counted without a line here."""
    counts = is_of_the_person(MemberEligibilityDecidedV1)
    assert not any(map(counts, ("member_token", "enrolment_id", "merged_into", "version", "occurred_at", "decided_on")))
    assert all(map(counts, ("zip5", "priority", "reasons", "svi", "interpreter_needed", "channels_barred")))
