"""The service's table of subscriptions, its interface and its settings."""

import pytest

from services.kit.http import create_app, unguarded
from services.kit.settings import SettingsError
from services.scheduling import app
from services.scheduling.settings import ESCALATE_DAYS, RELEASE_DAYS, OwnSettings, read_own_settings


def test_no_operation_is_unguarded() -> None:
    """Each needs a token, each write an idempotency key, and each says what it does."""
    application = create_app("Scheduling", "1")
    for router in app.build({}).routers:
        application.include_router(router)
    assert unguarded(application) == []
    operations = [one for path in application.openapi()["paths"].values() for one in path.values()]
    assert len(operations) == 24
    assert all(operation.get("description") for operation in operations)


@pytest.mark.parametrize(("environ", "days"), [({}, 2), ({RELEASE_DAYS: "0"}, 0), ({RELEASE_DAYS: "5"}, 5)])
def test_the_release_is_a_setting(environ: dict[str, str], days: int) -> None:
    """48 hours unless a deployment says otherwise."""
    assert read_own_settings(environ) == OwnSettings(release_days=days)


def test_the_escalation_is_a_setting() -> None:
    """A week unless a deployment says otherwise."""
    assert (read_own_settings({}).escalate_days, read_own_settings({ESCALATE_DAYS: "3"}).escalate_days) == (7, 3)


def test_a_wrong_setting_is_named_without_its_value() -> None:
    """The message names the variable and what was expected."""
    with pytest.raises(SettingsError, match=RELEASE_DAYS) as raised:
        app.build({RELEASE_DAYS: "soonish"})
    assert "soonish" not in str(raised.value)
