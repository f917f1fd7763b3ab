"""Settings that the stack itself reads: by value or by file, and never by both."""

import ast
import os
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path

import pytest

from deploy import cli
from deploy.asking import address_of
from deploy.environment import is_told, say, saying, told
from deploy.errors import StackError
from deploy.local.access import token
from deploy.local.databases import private_dsn
from deploy.local.plan import Plan
from deploy.local.running import brokers
from deploy.local.state import ROOT, Folder, here
from services.kit.private_channels import DSNS

DEPLOY = {path: ast.parse(path.read_text("utf-8")) for path in (ROOT / "deploy").rglob("*.py")}
ASKING = {"told", "is_told", "file_of"}
OF_THE_ISSUER = {"VCC_ISSUER_STATE", "VCC_ISSUER_HOST", "VCC_ISSUER_PORT"}
"""Which the stack tells its own component."""


def named(module: ast.Module, said: ast.expr) -> set[str]:
    """All names of settings that an expression may be: `{}` stands for what is only known when it runs."""
    match said:
        case ast.Constant(str(text)):
            return {text}
        case ast.JoinedStr(parts):
            return _joined([named(module, part) for part in parts])
        case ast.BinOp(left, ast.Add(), right):
            return _joined([named(module, left), named(module, right)])
        case ast.Name(name):
            return set().union(*(named(module, value) for value in _values_of(module, name))) or {"{}"}
        case ast.Tuple(parts) | ast.List(parts) | ast.Set(parts):
            return set().union(*(named(module, part) for part in parts))
    return {"{}"}


def _joined(parts: Sequence[set[str]]) -> set[str]:
    return {"".join(one) for one in product(*parts)}


def _values_of(module: ast.Module, name: str) -> Iterator[ast.expr]:
    """What a name is set to, or goes over, anywhere in the module."""
    for node in ast.walk(module):
        match node:
            case ast.Assign([ast.Name(target)], value) | ast.For(ast.Name(target), value) if target == name:
                yield value
            case ast.NamedExpr(ast.Name(target), value) if target == name:
                yield value


def asked(module: ast.Module) -> set[str]:
    """The settings that are asked for in the one place."""
    found = set[str]()
    for node in ast.walk(module):
        match node:
            case ast.Call(ast.Name(asking) | ast.Attribute(attr=asking), [said, *_]) if asking in ASKING:
                found |= named(module, said)
    return found


def got(module: ast.Module) -> set[str]:
    """The settings of ours that are read from the environment beside it, in whatever form."""
    found = set[str]()
    for node in ast.walk(module):
        match node:
            case ast.Subscript(of, said, ast.Load()) if _is_environment(of):
                found |= named(module, said)
            case ast.Call(ast.Attribute(of, "get" | "pop" | "setdefault"), [said, *_]) if _is_environment(of):
                found |= named(module, said)
            case ast.Call(ast.Name("getenv") | ast.Attribute(attr="getenv"), [said, *_]):
                found |= named(module, said)
            case ast.Compare(said, [ast.In() | ast.NotIn()], [of]) if _is_environment(of):
                found |= named(module, said)
    return {name for name in found if name.startswith("VCC_")}


def _is_environment(of: ast.expr) -> bool:
    return ast.unparse(of).rpartition(".")[2] == "environ"


NAMES = sorted(
    {
        name.replace("VCC_{}_{}", f"VCC_OUTREACH_{setting.upper()}").replace("{}", "OUTREACH")
        for path, module in DEPLOY.items()
        if path.name != "environment.py"
        for name in asked(module)
        for setting in DSNS
        if name.startswith("VCC_")
    }
)


@pytest.mark.parametrize(
    "form",
    [
        'os.environ["VCC_X"]', 'os.environ.get("VCC_X", "")', "environ.pop('VCC_X')", 'os.getenv("VCC_X")',
        '"VCC_X" in environ', 'if "VCC_X" not in self.environ: pass', 'os.environ.setdefault("VCC_X", "")',
        'name = "VCC_X"\nos.environ[name]', 'for name in ("VCC_X", "VCC_Y"):\n    environ.get(name)',
        'own = "VCC_"\nenviron.get(own + "X")', 'environ.get(\n    "VCC_"\n    "X"\n)',
    ],
)  # fmt: skip
def test_a_setting_that_is_read_elsewhere_is_found(form: str) -> None:
    """In each form in which it can be written down."""
    assert "VCC_X" in got(ast.parse(form))


def test_nobody_else_reads_settings() -> None:
    """All of the stack's modules ask in one place; what it asks for there is known here."""
    assert set().union(*(got(module) for module in DEPLOY.values())) == OF_THE_ISSUER
    assert {"VCC_OIDC_ISSUER", "VCC_TOKEN", "VCC_OUTREACH_AUDIT_DSN", "VCC_OUTREACH_POSTGRES_CAFILE"} <= set(NAMES)
    assert {"VCC_OUTREACH_KEY_RING", "VCC_API_OUTREACH", "VCC_OUTREACH_HTTP_PORT"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_each_setting_may_come_by_file_and_not_by_both(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file's content counts, without its last newline; said both ways it is refused by its name alone."""
    (tmp_path / "said").write_text("canary\n")
    monkeypatch.setenv(f"{name}_FILE", str(tmp_path / "said"))
    assert (told(name), is_told(name)) == ("canary", True)
    monkeypatch.setenv(name, "canary")
    with pytest.raises(StackError, match=f"{name}, {name}_FILE: both are given") as refused:
        told(name)
    assert "canary" not in str(refused.value)
    monkeypatch.delenv(f"{name}_FILE")
    assert (told(name), is_told(name)) == ("canary", True)
    monkeypatch.delenv(name)
    assert (told(name), is_told(name)) == (None, False)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With the setting whose value it was to hold; a name without a file says nothing."""
    with pytest.raises(StackError, match=r"VCC_TOKEN_FILE: .*missing cannot be read"):
        told("VCC_TOKEN", {"VCC_TOKEN_FILE": str(tmp_path / "missing")})
    assert not is_told("VCC_TOKEN", {"VCC_TOKEN_FILE": ""})


def test_a_file_that_holds_no_text_is_named(tmp_path: Path) -> None:
    """And nothing of what stands there."""
    (tmp_path / "binary").write_bytes(b"canary\xff")
    with pytest.raises(StackError, match=r"VCC_TOKEN_FILE: .*binary cannot be read: it is no text") as refused:
        told("VCC_TOKEN", {"VCC_TOKEN_FILE": str(tmp_path / "binary")})
    assert "canary" not in str(refused.value)


@pytest.fixture
def by_file(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """An environment in which each of these settings comes from a file."""

    def made(**settings: str) -> dict[str, str]:
        for name, value in settings.items():
            (tmp_path / name).write_text(f"{value}\n")
        return {f"{name}_FILE": str(tmp_path / name) for name in settings}

    return made


ByFile = Callable[..., dict[str, str]]


def test_what_the_stack_decides_may_come_by_file(tmp_path: Path, by_file: ByFile) -> None:
    """Brokers and issuer of one's own are not embedded, ports are as wished, and no service is told a thing twice."""
    (tmp_path / "secrets").mkdir()
    plan = Plan(Folder(tmp_path), environ=by_file(
        VCC_KAFKA_BOOTSTRAP_SERVERS="kafka:9092", VCC_OIDC_ISSUER="https://id.example", VCC_OUTREACH_HTTP_PORT="18099",
        VCC_OUTREACH_HTTP_HOST="127.0.0.2", VCC_OUTREACH_MAY_RUN_AS_ROOT="true",
    ) | {"VCC_OUTREACH_KEY_RING": "ring"})  # fmt: skip
    assert (plan.own_kafka, plan.own_issuer, plan.own_postgres) == (False, False, True)
    assert plan.issuer_url(None) == "https://id.example"
    assert plan.ports()["outreach"] == 18099
    given = plan.service("outreach", 18099, plan.kafka_environment(None), plan.issuer_url(None)).environment
    assert [name for name in given if f"{name}_FILE" in given] == []
    assert (given["VCC_OIDC_ISSUER"], given["VCC_OUTREACH_KEY_RING"]) == ("https://id.example", "ring")
    assert brokers(plan.kafka_environment(None)) == "kafka:9092"


def test_how_a_database_is_reached_may_come_by_file(by_file: ByFile) -> None:
    """Its authority, and that it may be reached in the clear."""
    dsn = "postgresql://u@db.example/outreach"
    allowed = by_file(VCC_OUTREACH_DSN=dsn, VCC_OUTREACH_POSTGRES_ALLOWS_PLAINTEXT="true")
    assert private_dsn("outreach", allowed) == dsn
    proved = by_file(VCC_OUTREACH_DSN=dsn, VCC_OUTREACH_POSTGRES_CAFILE="/ca.pem")
    assert private_dsn("outreach", proved) == f"{dsn}?sslmode=verify-full&sslrootcert=%2Fca.pem"


def test_commands_take_token_address_and_folder_by_file(
    tmp_path: Path, by_file: ByFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that ask for the stack, and those of a service, which are told the values."""
    api = "http://127.0.0.1:1"
    settings = by_file(VCC_TOKEN="olga's", VCC_API_ELIGIBILITY=api, VCC_STATE_DIR=str(tmp_path))
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert (token("operator"), address_of("eligibility"), here().path) == ("olga's", api, tmp_path)
    for name in ("VCC_TOKEN", "VCC_API_ELIGIBILITY"):  # so that they are gone after the test
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    cli._introduce("ingest", ["ingest"])
    assert (os.environ["VCC_TOKEN"], os.environ["VCC_API_ELIGIBILITY"]) == ("olga's", api)
    assert token("operator") == "olga's"


def test_who_is_told_a_value_is_not_told_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the stack says holds, whatever the environment said before."""
    given = {"VCC_STATE_DIR_FILE": "dir", "VCC_TOKEN_FILE": "token"}
    assert saying(given, VCC_STATE_DIR="/state") == {"VCC_STATE_DIR": "/state", "VCC_TOKEN_FILE": "token"}
    monkeypatch.setenv("VCC_TOKEN_FILE", "token")
    monkeypatch.setenv("VCC_TOKEN", "")
    say("VCC_TOKEN", "olga's")
    assert told("VCC_TOKEN") == "olga's"
