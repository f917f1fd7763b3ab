"""Decides for a batch of persons anew, and says what changed: load, decide, save, announce."""

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime
from uuid import UUID

from services.eligibility.decisions.answers import answer
from services.eligibility.decisions.flow import basis as basis_flow
from services.eligibility.decisions.flow.contacts import tell_contacts
from services.eligibility.decisions.known import Known, members_of
from services.eligibility.decisions.rules import covered, traits_of
from services.eligibility.decisions.store import caps as cap_store
from services.eligibility.decisions.store import decisions as decision_store
from services.eligibility.doses.store import doses as dose_store
from services.eligibility.forecast.supporting_data import bundled
from services.eligibility.people.ages import age_on
from services.eligibility.people.roster import Book
from services.eligibility.people.store import members as people_store
from services.eligibility.people.store import statements as statement_store
from services.eligibility.programmes import store as programme_store
from services.eligibility.programmes.benefits.documents import bundled_lists
from services.eligibility.programmes.benefits.entitlements import Entitlement, entitlements
from services.eligibility.programmes.documents import in_effect, live
from services.eligibility.programmes.needs import circumstances
from services.eligibility.programmes.programme import Programme
from services.eligibility.vital import store as vital_store
from services.kit.ids import new_id
from services.kit.postgres import Connection
from services.kit.unit_of_work import UnitOfWork


async def redecide(
    work: UnitOfWork,
    tokens: Collection[UUID],
    business_on: date,
    programmes: Iterable[Programme] | None = None,
    book: Book | None = None,
) -> int:
    """Decide for these persons under every programme and announce each answer that is not the last one, and how they
    can be reached where that is news. Gives how many answers those were. Locks the persons first, so that their facts
    leave in the order of the commits; whoever stands in the `book` is locked, and what it says of them is stored."""
    if not tokens:
        return 0
    known = await _load(work, tokens, Book(new_id) if book is None else book)
    documents = live(await programme_store.load_documents(work.connection)) if programmes is None else programmes
    holding = in_effect(documents, business_on)
    members, in_force = members_of(known, business_on), [programme for programme, _ in holding]
    bases = await basis_flow.load_bases(work.connection, members, known.doses, in_force, business_on)
    events, decisions, arms = answer(known, holding, business_on, datetime.now(UTC), members, bases)
    await decision_store.save_decisions(work.connection, decisions)
    await cap_store.save_arms(work.connection, arms)
    await work.announce(events)
    await tell_contacts(work, members, business_on)
    return len(events)


async def _load(work: UnitOfWork, tokens: Collection[UUID], book: Book) -> Known:
    connection = work.connection
    wanted = set(tokens)
    missing = wanted - set(book.persons)
    persons = book.persons | await people_store.lock_persons(connection, missing)
    enrolments = [enrolment for enrolment in book.enrolments.values() if enrolment.member_token in wanted]
    enrolments += await people_store.load_enrolments(connection, missing)
    return Known(
        enrolments=enrolments,
        persons=persons,
        statements=await statement_store.load_statements(connection, tokens),
        doses=await dose_store.load_counted(connection, tokens),
        last=await decision_store.load_decisions(connection, [enrolment.enrolment_id for enrolment in enrolments]),
        others=await vital_store.load_others(connection, tokens),
        observed=await programme_store.load_told(connection, tokens),
        withheld=await statement_store.load_withheld(connection, tokens),
    )


async def benefits_of(connection: Connection, member_token: UUID, business_on: date) -> list[Entitlement]:
    """What a person's enrolments that may be seen entitle to, each as its own plan knows the person. The dead are
    entitled to nothing."""
    known = Known(
        enrolments=[
            enrolment
            for enrolment in await people_store.load_enrolments(connection, [member_token])
            if not enrolment.is_retired
        ],
        persons=await people_store.load_persons(connection, [member_token]),
        statements=await statement_store.load_statements(connection, [member_token]),
        doses={},
        last={},
        others=await vital_store.load_others(connection, [member_token]),
        withheld=await statement_store.load_withheld(connection, [member_token]),
    )
    said = await programme_store.load_observations(connection, [member_token])
    found: list[Entitlement] = []
    for member in members_of(known, business_on):
        if member.vital.is_deceased:
            continue
        enrolment = member.enrolment
        holds = circumstances(said.get((member_token, enrolment.tenant_id), ()), bundled(), business_on)
        birth_on = enrolment.birth_on
        age = age_on(birth_on, business_on) if birth_on is not None and birth_on <= business_on else None
        traits = traits_of(member, business_on, holds)
        is_covered = covered(enrolment.spans, business_on)
        found += entitlements(bundled_lists(), traits, age, holds, business_on, is_covered=is_covered)
    return found
