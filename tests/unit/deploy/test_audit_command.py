"""`./vcc audit`, beside services and databases that answer as they like."""

import argparse
import json
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest

from deploy.cli import main
from deploy.commands import audit
from deploy.errors import StackError
from deploy.local.plan import SERVICES
from services.kit.audit_verify import Verdict

WHOLE = Verdict(2, 20, b"\x07" * 32, 1, 5.0, None)


def verify(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    audit.add_commands(parser.add_subparsers())
    given = parser.parse_args(["audit", "verify", *arguments])
    code: int = given.run(given)
    return code


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Which heads each service's trail was asked for. Reporting's is away, outreach's was changed."""
    heads: dict[str, Any] = {}

    async def answer(service: str, wanted: Sequence[bytes]) -> Verdict | str:
        heads[service] = list(wanted)
        if service == "reporting":
            return "can't be read: ConnectionRefusedError; see ./vcc status"
        broken = "batch 2, rows 11 to 20: a row or its seal was changed" if service == "outreach" else None
        return Verdict(2, 20, b"\x07" * 32, 1, 5.0, broken)

    monkeypatch.setattr(audit, "_verify", answer)
    return heads


def test_each_service_has_its_verdict(asked: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """One that was changed, or that is away, leaves the others theirs, and fails the whole."""
    assert verify() == 1
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert lines["eligibility"].endswith("agrees")
    assert "a row or its seal was changed" in lines["outreach"]
    assert "can't be read" in lines["reporting"]
    assert set(asked) == set(SERVICES)


def test_only_some_services_are_asked(asked: dict[str, Any]) -> None:
    """Those that are named, each for all of the heads that were kept of it."""
    given = [f"--head=eligibility={number * 64}" for number in ("1", "2")]
    assert verify("eligibility", "scheduling", *given, f"--head=scheduling={'3' * 64}") == 0
    assert asked == {"eligibility": [b"\x11" * 32, b"\x22" * 32], "scheduling": [b"\x33" * 32]}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["elegibility"], "no such service: elegibility"),
        (["--head=eligibility"], "expected SERVICE=HEX"),
        (["--head=eligibility=xyz"], "expected SERVICE=HEX"),
        (["outreach", "--head=eligibility=11"], "--head of eligibility, which is not asked"),
    ],
)
def test_what_is_not_understood_is_said(asked: dict[str, Any], arguments: list[str], says: str) -> None:
    """Before any database is asked."""
    with pytest.raises(StackError, match=says):
        verify(*arguments)
    assert asked == {}


def test_a_trail_without_a_role_is_no_whole_trail(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who names no audit role is told which setting does, for each service."""
    monkeypatch.setenv("VCC_STATE_DIR", str(tmp_path))
    assert verify("outreach") == 1
    assert "VCC_OUTREACH_AUDIT_DSN" in capsys.readouterr().out


Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], None]:
    """Who answers for every service."""
    monkeypatch.setattr(audit, "token", lambda _client: "t")
    monkeypatch.setattr("deploy.commands.audit.time.sleep", lambda _seconds: None)
    for service in SERVICES:
        monkeypatch.setenv(f"VCC_API_{service.upper()}", f"http://{service}")

    def serve(answer: Answer) -> None:
        transport = httpx.MockTransport(answer)

        def get(url: str, **given: Any) -> httpx.Response:
            given.pop("trust_env")
            with httpx.Client(transport=transport) as client:
                return client.get(url, **given)

        monkeypatch.setattr("deploy.commands.audit.httpx.get", get)

    return serve


def row(audit_id: int, second: int) -> dict[str, Any]:
    return {
        "audit_id": audit_id, "recorded_at": f"2021-03-01T10:00:{second:02}Z", "tenant_id": "*", "principal": "pat",
        "roles": ["operator"], "purpose": None, "action": "read", "kind": "case", "subjects": ["ada"],
        "subject_count": 1, "reason": None, "route": None, "outcome": "done", "correlation_id": "c",
    }  # fmt: skip


def test_all_pages_of_all_services_in_the_order_of_time(
    served: Callable[[Answer], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """Each page through the row that the first ended with; a service that is busy is asked again."""
    asked, busy = list[dict[str, str]](), [True]

    def answer(request: httpx.Request) -> httpx.Response:
        if busy:
            busy.pop()
            return httpx.Response(429, json={"title": "Too Many Requests"})
        given = dict(request.url.params)
        if request.url.host != "outreach":
            return httpx.Response(200, json={"rows": [row(1, 30)], "next_after": None, "through": 1})
        asked.append(given)
        number = int(given["after"]) + 1
        return httpx.Response(
            200, json={"rows": [row(number, 10 * number)], "next_after": number if number < 3 else None, "through": 9}
        )

    served(answer)
    assert main(["audit", "who-saw", "ada", "--from", "2021-03-01T00:00:00Z", "--json"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["recorded_at"][-3:-1] for one in told] == ["10", "20", "30", "30", "30", "30"]
    assert [(given["after"], given.get("through")) for given in asked] == [("0", None), ("1", "9"), ("2", "9")]
    assert {given["from"] for given in asked} == {"2021-03-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (httpx.Response(502, html="<h1>Bad Gateway</h1>"), "refuses: 502"),
        (httpx.Response(200, html="<h1>Log in</h1>"), "refuses: 200"),
        (httpx.Response(403, json={"title": "Forbidden", "detail": "None may."}), "Forbidden"),
        (httpx.Response(429, json={"title": "Too Many Requests"}), "Too Many Requests"),
    ],
    ids=["proxy", "login-page", "denied", "always-busy"],
)
def test_what_is_no_page_is_said(served: Callable[[Answer], None], answer: httpx.Response, says: str) -> None:
    """Whoever answers in a service's place is not taken for it, and breaks nothing."""
    served(lambda _request: answer)
    with pytest.raises(StackError, match=says):
        audit._ask("outreach", {})
