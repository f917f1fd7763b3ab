"""`./vcc psql SERVICE`: the service's database, as the service's own role or as another of its roles."""

import argparse
import os
import shutil
import sys
from urllib.parse import parse_qs, unquote, urlsplit

from deploy.errors import StackError
from deploy.local.databases import private_dsn
from deploy.local.plan import SERVICES, known_dsns
from deploy.local.running import require_up
from deploy.local.state import here


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    psql = commands.add_parser("psql", description="Opens a service's database; what follows -- is given to psql.")
    psql.add_argument("service", choices=SERVICES)
    psql.add_argument(
        "--as", dest="role", choices=("runtime", "owner", "audit"), default="runtime",
        help="as which role: the one that the service works as, the owner of the tables, the one that reads the trail",
    )  # fmt: skip
    psql.set_defaults(run=run, passes_on=True, rest=[])


def run(arguments: argparse.Namespace) -> int:
    require_up()
    setting = {"runtime": "dsn"}.get(arguments.role, f"{arguments.role}_dsn")
    service = arguments.service
    dsn = private_dsn(service, os.environ, setting) or known_dsns(here(), service).get(setting)
    if dsn is None:
        raise StackError(
            f"no such role of {service} is known here", f"name it: VCC_{service.upper()}_{setting.upper()}"
        )
    program = shutil.which("psql") or _of_the_wheel()
    rest = [argument for argument in arguments.rest if argument != "--"]
    sys.stdout.flush()
    os.execve(program, ["psql", *rest], {**os.environ, **_as_environment(dsn)})  # noqa: S606


def _as_environment(dsn: str) -> dict[str, str]:
    """Not as an argument: every user of the machine can read those."""
    parts = urlsplit(dsn)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    named = {
        "PGHOST": parts.hostname,
        "PGPORT": str(parts.port or 5432),
        "PGUSER": parts.username,
        "PGPASSWORD": parts.password,
        "PGDATABASE": parts.path.lstrip("/"),
        "PGSSLMODE": query.get("sslmode"),
        "PGSSLROOTCERT": query.get("sslrootcert"),
        "PGOPTIONS": "-c vcc.tenant=*",  # row-level security would show nothing without a tenant
    }
    return {name: unquote(value) for name, value in named.items() if value}


def _of_the_wheel() -> str:
    from deploy.local.postgres_binaries import binaries

    program = binaries(None) / "psql"
    if not program.exists():
        raise StackError("there is no psql on this machine", "install PostgreSQL's client")
    return str(program)
