"""Members' rows with all that a roster says of how to reach them, and what was told of it, opened."""

from base64 import b64decode
from typing import Any
from uuid import UUID

from schemas.member_contact_v1 import ContactDetails, bound_to
from services.kit.sealed import KeyRing
from tests.keys import RING
from tests.service.eligibility.conftest import Office

PERSONAL = "PER*IP**HP*2135550101*CP*2135550102*EM*oma@sesame.example"
MAILING = "NM1*31*1~N3*PO BOX 77*SUITE 3~N4*PASADENA*CA*91101"
DROP_OFF = "NM1*45*1~N3*9 SHELTER WAY~N4*BURBANK*CA*91502"
GUARDIAN = "NM1*GD*1*GROUCH*OSCAR~PER*RP**HP*2135550109"


def row(
    member_id: str = "LS1",
    given: str = "OMA",
    *more: str,
    action: str = "030",
    role: str = "Y*18",
    personal: str = PERSONAL,
    end: str = "",
    restriction: str = "",
    born: str = "19400501",
    family_number: str = "",
) -> str:
    """One INS loop; `more` stands behind the member's own segments."""
    segments = [
        f"INS*{role}*{action}*28*A*C**FT*****{restriction}",
        f"REF*0F*{family_number or member_id}",
        *([f"REF*1L*{member_id}"] if family_number else []),
        f"NM1*IL*1*SESAME*{given}",
        *([personal] if personal else []),
        "N3*123 SESAME ST*APT 4",
        "N4*LOS ANGELES*CA*90011",
        f"DMG*D8*{born}*F",
        "LUI*LD*SPA**7",
        *more,
        "HD*030**HLT*MEDICARE ADVANTAGE",
        "DTP*348*D8*20200101",
        *([f"DTP*349*D8*{end}"] if end else []),
    ]
    return "~".join(segments)


def opened(body: dict[str, Any]) -> ContactDetails | None:
    """The details of a fact, with the ring that its readers have; none where they were withdrawn."""
    if body.get("sealed") is None:
        return None
    bound = bound_to(UUID(body["enrolment_id"]), body["version"])
    [content] = KeyRing.parse(RING).open([b64decode(body["sealed"])], [bound])
    return ContactDetails.model_validate_json(content)


async def told(office: Office) -> list[tuple[int, ContactDetails | None]]:
    """What was told of contacts, oldest first: version and details."""
    return [(body["version"], opened(body)) for body in await office.events("member-contact")]


async def last_told(office: Office) -> ContactDetails | None:
    return (await told(office))[-1][1]
