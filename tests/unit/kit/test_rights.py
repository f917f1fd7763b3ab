"""Which roles DSNs name."""

import pytest

from services.kit.rights import Rights, RightsError, rights_of

OWNER = "postgresql://adam:secret@db/garden"


@pytest.mark.parametrize(
    ("dsn", "role"),
    [
        ("postgresql://eve:secret@db:5432/garden", "eve"),
        ("postgresql://eve%40home:secret@db/garden?sslmode=require", "eve@home"),
        ("postgresql://db/garden?user=eve&password=secret", "eve"),
    ],
)
def test_the_role_of_a_dsn(dsn: str, role: str) -> None:
    """Before the host, escaped or not, or as a parameter."""
    assert rights_of(OWNER, dsn, None) == Rights(role, None)
    assert rights_of(OWNER, dsn, "postgresql://reader:x@db/garden") == Rights(role, "reader")


def test_a_dsn_without_a_role_is_refused() -> None:
    """No right can be given to whom nobody names; the DSN is not quoted."""
    with pytest.raises(RightsError, match="names no role") as refused:
        rights_of(OWNER, "postgresql://db.internal/garden", None)
    assert "db.internal" not in str(refused.value)


EVE, READER = "postgresql://eve:1@db/garden", "postgresql://reader:2@db/garden"


@pytest.mark.parametrize(
    "dsns",
    [
        (OWNER, OWNER, READER), (OWNER, OWNER, None), (OWNER, EVE, EVE), (OWNER, EVE, OWNER),
        (OWNER, "postgresql://db:5432/garden?user=adam", READER),
    ],
    ids=["owner-runs", "owner-runs-alone", "runtime-reads", "owner-reads", "otherwise-written"],
)  # fmt: skip
def test_two_dsns_of_one_role_are_refused(dsns: tuple[str, str, str | None]) -> None:
    """An owner who runs would be stripped of what he owns, and whoever writes the trail would read and seal it
    (v5.0.0-13.2.2)."""
    with pytest.raises(RightsError, match=r"two DSNs name one role: .* \(docs/runbooks/three-database-roles.md\)"):
        rights_of(*dsns)
