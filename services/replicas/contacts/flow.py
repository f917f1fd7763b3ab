"""Opens what eligibility tells sealed; what of it is kept is each service's own."""

from base64 import b64decode

from schemas.member_contact_v1 import ContactDetails, MemberContactChangedV1, bound_to
from services.kit.postgres import Connection
from services.kit.sealed import SealError, key_id_of, topic_ring_of


def opened(connection: Connection, event: MemberContactChangedV1) -> ContactDetails | None:
    """The details that an event tells; None where they are withdrawn."""
    if event.sealed is None:
        return None
    bound = bound_to(event.enrolment_id, event.version)
    sealed = b64decode(event.sealed, validate=True)
    if key_id_of(sealed) is None:
        raise SealError("contact details that are not sealed")
    [content] = topic_ring_of(connection).open([sealed], [bound])
    return ContactDetails.model_validate_json(content)
