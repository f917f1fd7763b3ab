"""Opens what services keep sealed: a mark, the key's id with its length before it, a nonce, and the content under
AES-256-GCM, bound to table and row."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MARK = b"\x00vcc\x01"
KEYS = {"tests-1": base64.b64decode("dGVzdHMgc2VhbCB3aXRoIHRoaXMgb25lIGtleSwgb2s=")}
"""What a round's services are told, written down a second time."""


def opened(table: str, row: dict[str, Any]) -> dict[str, Any]:
    """The row with its sealed content under the names that it had before."""
    if table == "dead_letter" and row["sealed"] is not None:
        place = f"{row['consumer']} {row['topic']} {row['partition']} {row['offset']}"
        content = _document(table, place, row.pop("sealed"))
        value = None if content["value"] is None else base64.b64decode(content["value"])
        return {**row, "value": value, "headers": content["headers"]}
    if table == "idempotency_key" and row["sealed_response"] is not None:
        whose = f"{row['tenant_id']} {row['principal']} {row['key']}"
        return {**row, "response": _document(table, whose, row.pop("sealed_response"))}
    if table == "doubtful_row" and row["sealed_document"] is not None:
        return {**row, "document": _document(table, str(row["doubtful_id"]), row.pop("sealed_document"))}
    return {name: _contact(table, row, name, value) for name, value in row.items()}


CONTACTS = {
    ("member_contact", "sealed_stated"): ("enrolment_id", " stated"),
    ("member_contact", "sealed_told"): ("enrolment_id", " told"),
    ("member_contact", "sealed_details"): ("enrolment_id", ""),
    ("contact_correction", "sealed_said"): ("correction_id", ""),
}
"""By which column each of these is bound to its row, and what stands behind it."""


def _contact(table: str, row: Mapping[str, Any], name: str, value: Any) -> Any:
    """How a member can be reached, opened; any other value as it is."""
    if value is None:
        return None
    if (table, name) == ("registry_contact", "sealed_said"):
        return _document(table, f"{row['enrolment_id']} {row['source']}", value)
    if (table, name) in CONTACTS:
        column, more = CONTACTS[table, name]
        return _document(table, f"{row[column]}{more}", value)
    return value


def _document(table: str, row: str, sealed: bytes) -> Any:
    assert sealed.startswith(MARK), f"{table} holds plain text"
    length, rest = sealed[len(MARK)], sealed[len(MARK) + 1 :]
    key, nonce, content = KEYS[rest[:length].decode()], rest[length : length + 12], rest[length + 12 :]
    return json.loads(AESGCM(key).decrypt(nonce, content, f"{table} {row}".encode()))
