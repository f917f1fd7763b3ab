"""The one rule of what leaves for a partner, against a second, plainly written one."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.outreach.sharing.rules import (
    Agreement,
    AgreementKind,
    Permit,
    SharedField,
    Sharing,
    SharingConsent,
    SharingPurpose,
    SharingRefusal,
    is_kept,
    may_share,
    newest,
)

DAY = date(2021, 3, 1)
ADA, BOB = UUID(int=1), UUID(int=2)
KEPT_APART = frozenset({"violence"})
NAME, NEED = SharedField.NAME, SharedField.NEED
AGREED = Agreement(
    agreement_id="a", tenant_id="lakeshore", partner_id="harvest", agreement_kind=AgreementKind.DATA_SHARING,
    parties=(),
    purposes=frozenset({SharingPurpose.REFERRAL}), fields=frozenset({NAME, NEED}), from_on=DAY, signed_on=DAY,
    document="d",
)  # fmt: skip
CONSENT = SharingConsent(
    UUID(int=9),
    ADA,
    "harvest",
    SharingPurpose.REFERRAL,
    frozenset({"food", "violence"}),
    is_written=False,
    given_on=DAY,
)
ASKED = Sharing("lakeshore", "harvest", ADA, SharingPurpose.REFERRAL, frozenset({NAME}), frozenset({"food"}), DAY)

days = st.integers(-3, 3).map(lambda ahead: DAY + timedelta(days=ahead))
purposes, fields = st.sampled_from(SharingPurpose), st.sampled_from((NAME, NEED, SharedField.ADDRESS))
needs = st.frozensets(st.sampled_from(["food", "violence"]), max_size=2)
plans, partners = st.sampled_from(["lakeshore", "prairie"]), st.sampled_from(["harvest", "other"])
agreements = st.builds(
    Agreement, agreement_id=st.sampled_from("abc"), tenant_id=plans, partner_id=partners,
    agreement_kind=st.sampled_from(AgreementKind), parties=st.just(()), purposes=st.frozensets(purposes),
    fields=st.frozensets(fields), from_on=days, until_on=st.none() | days, ended_on=st.none() | days,
    signed_on=st.none() | days, document=st.just("d"), has_kept_apart=st.booleans(),
)  # fmt: skip
consents = st.builds(
    SharingConsent, consent_id=st.just(UUID(int=9)), enrolment_id=st.sampled_from([ADA, BOB]), partner_id=partners,
    purpose=purposes, needs=needs, is_written=st.booleans(), given_on=days, until_on=st.none() | days,
    withdrawn_on=st.none() | days,
)  # fmt: skip
asks = st.builds(
    Sharing, tenant_id=plans, partner_id=partners, enrolment_id=st.sampled_from([ADA, BOB]), purpose=purposes,
    fields=st.frozensets(fields), needs=needs, day=days,
)  # fmt: skip
near = st.sampled_from([AGREED]) | agreements
"""The one that permits comes often, for most that are drawn permit nothing."""


def oracle(known: list[Agreement], asked: Sharing, consent: SharingConsent | None) -> str:
    """The same in plain words: "yes", or why not."""
    good = [one for one in known if agreed(one, asked)]
    if not good:
        return "no-agreement-in-force"
    good = [one for one in good if asked.purpose in one.purposes]
    if not good:
        return "purpose-not-agreed"
    good = [one for one in good if all(field in one.fields for field in asked.fields)]
    if not good:
        return "field-not-agreed"
    if consent is None or not consented(consent, asked):
        return "no-consent"
    if "violence" in asked.needs and not (consent.is_written and any(one.has_kept_apart for one in good)):
        return "kept-apart"
    return "yes"


def agreed(one: Agreement, asked: Sharing) -> bool:
    """Of these two, about data, signed, begun, and its last day is not over."""
    if one.agreement_kind.value != "data-sharing" or one.tenant_id != asked.tenant_id:
        return False
    if one.partner_id != asked.partner_id or one.signed_on is None:
        return False
    begins = [one.signed_on, one.from_on]
    ends = [day for day in (one.until_on, one.ended_on) if day is not None]
    return not any(asked.day < day for day in begins) and not any(asked.day > day for day in ends)


def consented(one: SharingConsent, asked: Sharing) -> bool:
    """By this member, to this partner, for this and for all of these needs, on a day of its term."""
    if one.enrolment_id != asked.enrolment_id or one.partner_id != asked.partner_id or one.purpose != asked.purpose:
        return False
    if not asked.needs or any(need not in one.needs for need in asked.needs) or asked.day < one.given_on:
        return False
    if one.until_on is not None and asked.day > one.until_on:
        return False
    return one.withdrawn_on is None or asked.day < one.withdrawn_on


@settings(max_examples=1000)
@given(st.lists(near, max_size=4), asks | st.just(ASKED), st.none() | consents | st.just(CONSENT))
def test_the_rule_answers_as_its_oracle(known: list[Agreement], asked: Sharing, consent: SharingConsent | None) -> None:
    """Whatever was agreed, asked and consented to, both say yes or name the same first reason; a permit is of an
    agreement of these two, and of no more than was asked."""
    answer = may_share(known, asked, consent, KEPT_APART)
    if isinstance(answer, Permit):
        assert oracle(known, asked, consent) == "yes"
        [*by] = [one for one in known if one.agreement_id == answer.agreement_id and one.tenant_id == asked.tenant_id]
        assert by
        assert answer.fields == asked.fields
    else:
        assert oracle(known, asked, consent) == answer.value


@pytest.mark.parametrize(
    ("changed", "permitted_until"),
    [({"until_on": DAY}, DAY), ({"ended_on": DAY}, DAY), ({"until_on": DAY + timedelta(9), "ended_on": DAY}, DAY)],
)
def test_an_agreement_is_in_force_on_its_last_day_and_not_on_the_next(
    changed: dict[str, Any], permitted_until: date
) -> None:
    """By its term, or because it was ended early."""
    agreed = replace(AGREED, **changed)
    assert isinstance(may_share([agreed], replace(ASKED, day=permitted_until), CONSENT, KEPT_APART), Permit)
    day_after = replace(ASKED, day=permitted_until + timedelta(1))
    assert may_share([agreed], day_after, CONSENT, KEPT_APART) is SharingRefusal.NO_AGREEMENT


def test_what_is_not_signed_permits_nothing() -> None:
    """Nor does a memorandum, nor another plan's agreement."""
    for changed in ({"signed_on": None}, {"agreement_kind": AgreementKind.MEMORANDUM}, {"tenant_id": "prairie"}):
        assert may_share([replace(AGREED, **changed)], ASKED, CONSENT, KEPT_APART) is SharingRefusal.NO_AGREEMENT


def test_no_field_is_added_by_a_second_agreement() -> None:
    """One agreement covers all that leaves; two halves are none."""
    halves = [replace(AGREED, fields=frozenset({NAME})), replace(AGREED, fields=frozenset({NEED}))]
    both = replace(ASKED, fields=frozenset({NAME, NEED}))
    assert may_share(halves, both, CONSENT, KEPT_APART) is SharingRefusal.FIELD


def test_violence_is_told_only_where_both_named_it_in_writing() -> None:
    """The agreement speaks of it, and the member has signed."""
    asked = replace(ASKED, needs=frozenset({"violence"}))
    for is_agreed, is_written in ((False, True), (True, False), (False, False)):
        agreed, consent = replace(AGREED, has_kept_apart=is_agreed), replace(CONSENT, is_written=is_written)
        assert may_share([agreed], asked, consent, KEPT_APART) is SharingRefusal.KEPT_APART
    agreed, consent = replace(AGREED, has_kept_apart=True), replace(CONSENT, is_written=True)
    assert isinstance(may_share([agreed], asked, consent, KEPT_APART), Permit)


def test_the_newest_consent_that_fits_is_taken() -> None:
    """One that is withdrawn hides no other; where none fits there is none."""
    withdrawn = replace(CONSENT, consent_id=UUID(int=10), withdrawn_on=DAY)
    assert newest([CONSENT, withdrawn], ASKED) == CONSENT
    assert newest([withdrawn], ASKED) is None


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ({"ended_on": DAY}, True),
        ({"fields": frozenset(SharedField)}, False),
        ({"until_on": DAY}, False),
        ({"partner_id": "other"}, False),
        ({"signed_on": None, "document": None}, False),
    ],
)
def test_what_was_signed_may_only_be_ended(told: dict[str, Any], kept: bool) -> None:
    """Its parties, scope, term and signature stand."""
    assert is_kept(AGREED, replace(AGREED, **told)) is kept


def test_an_end_is_not_taken_back() -> None:
    """It may come earlier, not later, and it does not vanish; before the signature everything may change."""
    ended = replace(AGREED, ended_on=DAY)
    assert is_kept(ended, replace(AGREED, ended_on=DAY - timedelta(1)))
    assert not is_kept(ended, AGREED)
    assert not is_kept(ended, replace(AGREED, ended_on=DAY + timedelta(1)))
    assert is_kept(replace(AGREED, signed_on=None), replace(AGREED, fields=frozenset()))


def test_what_speaks_of_no_need_leaves_by_no_consent() -> None:
    """A consent is for named needs: whoever asks for none of them has none."""
    assert may_share([AGREED], replace(ASKED, needs=frozenset()), CONSENT, KEPT_APART) is SharingRefusal.NO_CONSENT
