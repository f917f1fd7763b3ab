"""How far somebody who came to the site has got, and what follows where no dose was given. Pure."""

from collections.abc import Mapping
from enum import StrEnum

from services.scheduling.appointments.cancellation import Cancellation


class SiteStep(StrEnum):
    """Of a booking, or of one that ended at the site without a dose."""

    ARRIVED = "arrived"
    SCREENED = "screened"
    NOT_GIVEN = "not-given"
    LEFT = "left"


class NotGiven(StrEnum):
    """Why somebody who came was not vaccinated."""

    UNWELL = "unwell"
    CONTRAINDICATED = "contraindicated"
    REFUSED = "refused"
    NO_STOCK = "no-stock"
    NOT_ELIGIBLE = "not-eligible"


AT_THE_SITE = frozenset({SiteStep.ARRIVED, SiteStep.SCREENED})
"""The member is there, and nobody has said yet what came of it."""
CAME_IN_VAIN = frozenset({SiteStep.NOT_GIVEN, SiteStep.LEFT})
"""The booking ended at the site without a dose; its place was used."""
FOLLOWS: Mapping[NotGiven, Cancellation] = {
    NotGiven.UNWELL: Cancellation.PAT,
    NotGiven.CONTRAINDICATED: Cancellation.PAT,
    NotGiven.REFUSED: Cancellation.PAT,
    NotGiven.NO_STOCK: Cancellation.PROV,
    NotGiven.NOT_ELIGIBLE: Cancellation.PAT,
}
"""As what the booking ends for whoever knows HL7's reasons alone: what was the site's doing makes somebody call the
member, and nothing of it is a refusal or a missed appointment."""
