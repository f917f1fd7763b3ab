"""The one table of roles: held to itself, and asked by every route of every service."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from services.eligibility import app as eligibility
from services.kit.app import create
from services.kit.auth import may
from services.kit.http import unguarded
from services.kit.masking import protected
from services.kit.roles import TABLE, RolesError, read
from services.kit.settings import KafkaSettings, Settings
from services.outreach import app as outreach
from services.reporting import app as reporting
from services.scheduling import app as scheduling

SERVICES = Path(__file__).parents[3] / "services"
SMALL = """
permissions: {dig: Dig}
fields: {bones: Bones}
roles:
  dog: {about: A dog, purpose: TREAT, may: [dig], sees: [bones]}
"""


def apps() -> list[FastAPI]:
    """Every service, as it would run."""
    nowhere, dsn = KafkaSettings(bootstrap_servers="localhost:1"), SecretStr("")
    return [
        create(one.build(), Settings(service="any", kafka=nowhere, dsn=dsn, oidc_issuer="http://localhost:1"))
        for one in (eligibility, outreach, scheduling, reporting)
    ]


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ("may: [dig]", "may: [dig, fly]"),
        ("sees: [bones]", "sees: [bones, cats]"),
        ("{dig: Dig}", "{dig: Dig, fly: Fly}"),
        ("about: A dog", "about: A dog, barks: true"),
        ("purpose: TREAT", "purpose: FUN"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(written: str, instead: str) -> None:
    """A permission or field that no line declares, one that no role has, an unknown purpose and an unknown word are
    found at the start (v5.0.0-8.1.1)."""
    assert read(SMALL).seen_by(["dog", "cat"]) == {"bones"}
    with pytest.raises(RolesError):
        read(SMALL.replace(written, instead))


def test_who_asks_for_what_the_table_does_not_know_does_not_start() -> None:
    """A route's permission and a shape's protected field are looked up when the service is read (v5.0.0-8.1.1)."""
    with pytest.raises(RolesError):
        may("cases.raed")
    with pytest.raises(RolesError):
        protected("birth-dats")


def test_every_route_asks_for_a_permission() -> None:
    """No route of any service is open to whoever has a token (v5.0.0-8.3.1)."""
    assert [lacking for app in apps() for lacking in unguarded(app) if "permission" in lacking] == []


def test_a_route_says_whom_it_lets_in() -> None:
    """The interface's document names each operation's permission, and the roles that the table gives it; of callbacks,
    which are signed, that they are."""
    for app in apps():
        for path, operations in app.openapi()["paths"].items():
            for operation in operations.values():
                if operation.get("x-signed"):
                    assert path == "/message-callbacks/{provider}"
                    continue
                assert operation["x-roles"] == sorted(TABLE.that_may(operation["x-permission"]))
                assert f"`{operation['x-permission']}`" in operation["description"]


def test_no_route_looks_at_roles() -> None:
    """Routes know permissions; which roles have them stands in the table alone."""
    sources = {path: path.read_text("utf-8") for path in SERVICES.rglob("*.py") if path.parent.name != "kit"}
    assert [path.name for path, text in sources.items() if ".roles" in text and "within(" not in text] == []
