"""What a stack asks of databases of one's own before anything starts."""

from pathlib import Path
from threading import Event
from typing import Any

import pytest

from deploy.errors import StackError
from deploy.local import bring_up
from deploy.local.children import Children
from deploy.local.plan import Plan, known_dsns
from deploy.local.state import Folder

DATABASE = "postgresql://{}:canary@127.0.0.1:1/outreach"
NAMED = {
    "VCC_OUTREACH_DSN": DATABASE.format("outreach"), "VCC_OUTREACH_OWNER_DSN": DATABASE.format("owner"),
    "VCC_OUTREACH_AUDIT_DSN": DATABASE.format("audit"),
}  # fmt: skip


def a_plan(tmp_path: Path, *names: str) -> Plan:
    return Plan(Folder(tmp_path), services=("outreach",), environ={name: NAMED[name] for name in names})


def test_a_database_without_its_owner_is_refused_at_once(tmp_path: Path) -> None:
    """Nothing is started for it; the setting that is missing is named, and the runbook."""
    said = list[str]()
    plan = a_plan(tmp_path, "VCC_OUTREACH_DSN")
    with pytest.raises(StackError, match="nothing names its owner") as refused:
        bring_up.bring_up(plan, Children({}, Event(), lambda: None), lambda _phase, what: said.append(what))
    assert "VCC_OUTREACH_OWNER_DSN" in str(refused.value)
    assert "docs/runbooks/three-database-roles.md" in str(refused.value)
    assert "canary" not in str(refused.value)
    assert said == []


def test_the_owner_of_ones_own_database_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It migrates, and stays in the environment that named it: what is kept in the folder services could read; what
    was kept there before is removed."""
    plan = a_plan(tmp_path, *NAMED)
    plan.folder.secrets.mkdir()
    plan.folder.secret("outreach.owner_dsn", "kept before")
    migrated: dict[str, Any] = {}

    async def migrate(dsn: str, _folders: object, *, rights: object) -> None:
        migrated.update(dsn=dsn, rights=rights)

    monkeypatch.setattr(bring_up, "migrate", migrate)
    bring_up._postgres(plan, None, {})  # type: ignore[arg-type]
    assert migrated["dsn"] == NAMED["VCC_OUTREACH_OWNER_DSN"]
    assert (migrated["rights"].runtime, migrated["rights"].audit) == ("outreach", "audit")
    assert set(known_dsns(plan.folder, "outreach")) == {"dsn", "audit_dsn"}
