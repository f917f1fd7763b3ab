"""What a stack consists of: which components run here, which are somebody else's, and what each is told.

A service is told where Kafka, its own database and the token issuer are, and nothing about its neighbours.
"""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.environment import FILE, is_told, told
from deploy.local import probes
from deploy.local.process import Spec, plain_environment
from deploy.local.state import BROKERS, ROOT, TOPICS, Folder
from services.kit.private_channels import DSNS

if TYPE_CHECKING:
    from deploy.local.kafka_access import Access

HOST = probes.HOST
SERVICES = ("eligibility", "outreach", "scheduling", "reporting")
EVERYBODYS = (
    "VCC_OIDC_", "VCC_FIRST_BUSINESS_ON", "VCC_BUSINESS_DAYS", "VCC_TEST_DATA_FROM", "VCC_SENDER_TIME_ZONE",
    "VCC_CDSI_", "VCC_MOST_", "VCC_ZIP_MOST_", "VCC_BOOKING_", "VCC_CLAIMS_",
)  # fmt: skip
KAFKA = "VCC_KAFKA_"
LOGINS = (
    "VCC_KAFKA_SASL_USERNAME", "VCC_KAFKA_SASL_PASSWORD", "VCC_KAFKA_SASL_OAUTH_CLIENT_", "VCC_KAFKA_SSL_CERTFILE",
    "VCC_KAFKA_SSL_KEYFILE",
)  # fmt: skip
OURS = (*(setting.upper() for setting in DSNS), "HTTP_HOST", "HTTP_PORT", "HTTP_TLS_CERTFILE", "HTTP_TLS_KEYFILE")
"""Of a service's settings those that the stack decides: it listens on loopback, and asks there without TLS."""


@dataclass(frozen=True, slots=True)
class Plan:
    folder: Folder
    services: tuple[str, ...] = SERVICES
    module: str = "services.{}.app"
    environ: Mapping[str, str] = field(default_factory=lambda: with_absolute_paths(os.environ))
    pythonpath: str = str(ROOT)
    sources: Path = ROOT / "services"

    @property
    def own_kafka(self) -> bool:
        return not is_told("VCC_KAFKA_BOOTSTRAP_SERVERS", self.environ)

    @property
    def own_postgres(self) -> bool:
        """Whether any service has no database named by the environment."""
        return any(map(self.embeds, self.services))

    def embeds(self, service: str) -> bool:
        """Whether this service's database is in the embedded Postgres."""
        return external_dsn(service, self.environ) is None

    @property
    def own_issuer(self) -> bool:
        return not is_told("VCC_OIDC_ISSUER", self.environ)

    def ports(self) -> dict[str, int]:
        """Of everything that listens here."""
        own = ["kafka", "kafka-controller"] if self.own_kafka else []
        own += ["postgres"] if self.own_postgres else []
        own += ["issuer"] if self.own_issuer else []
        wanted = {name: told(f"VCC_{name.upper()}_HTTP_PORT", self.environ) for name in self.services}
        return {name: self.folder.port(name, wanted.get(name)) for name in [*own, *self.services]}

    def issuer_url(self, port: int | None) -> str:
        return f"http://{HOST}:{port}" if port else told("VCC_OIDC_ISSUER", self.environ) or ""

    @property
    def access(self) -> "Access":
        """Imported late, as the catalog is: `status` needs neither."""
        from deploy.local.kafka_access import Access

        return Access(self.folder)

    def kafka_environment(self, port: int | None) -> dict[str, str]:
        """What commands and the topics' maker are told: the embedded broker's admin, or what the environment says."""
        if port is None:
            return {name: value for name, value in self.environ.items() if name.startswith(KAFKA)}
        from deploy.acls import ADMIN

        return self.access.environment(ADMIN, port)

    def kafka_environment_of(self, service: str, port: int | None) -> dict[str, str]:
        """What a service is told: it has a user of its own, here always, elsewhere where the environment names one. It
        is told nobody else's password then."""
        if port is not None:
            from deploy.acls import user_of

            return self.access.environment(user_of(service), port)
        told, own = self.kafka_environment(None), f"VCC_{service.upper()}_"
        if not any(name.startswith(own + login.removeprefix("VCC_")) for login in LOGINS for name in self.environ):
            return told
        return {name: value for name, value in told.items() if not name.startswith(LOGINS)}

    def issuer(self, port: int) -> Spec:
        told = {"VCC_ISSUER_PORT": str(port), "VCC_ISSUER_STATE": str(self.folder.path / "issuer")}
        return self._python("issuer", ["deploy.local.issuer"], told, port)

    def service(self, name: str, port: int, kafka: Mapping[str, str], issuer_url: str) -> Spec:
        spec = self._python(name, [self.module.format(name)], self._told(name, port, kafka, issuer_url), port)
        return replace(spec, live=partial(probes.lives, port))

    def migrations(self, name: str) -> list[tuple[str, Path]]:
        """The same as `python -m services.<name>.app migrate` applies, without a second start of every service."""
        from services.kit.migrations import KIT_FOLDER

        return [("kit", KIT_FOLDER), (name, self.sources / name / "migrations")]

    def _told(self, name: str, port: int, kafka: Mapping[str, str], issuer_url: str) -> dict[str, str]:
        from schemas.catalog import SEALING

        prefix = f"VCC_{name.upper()}_"
        own = {key: value for key, value in self.environ.items() if key.startswith((prefix, *EVERYBODYS))}
        ours = {prefix + setting for setting in OURS} | {"VCC_OIDC_ISSUER"}
        ours |= {prefix + "POSTGRES_CAFILE"} if self.embeds(name) else set()
        own = {key: value for key, value in own.items() if key.removesuffix(FILE) not in ours}
        if self.own_kafka:
            own = {key: value for key, value in own.items() if not key.startswith(f"{prefix}KAFKA_")}
        has_audit = self.embeds(name) or external_dsn(name, self.environ, "audit_dsn") is not None
        if has_audit:
            own[prefix + "AUDIT_DSN_FILE"] = str(self.folder.secrets / f"{name}.audit_dsn")
        if not is_told(prefix + "KEY_RING", own):
            own[prefix + "KEY_RING_FILE"] = str(self.folder.secrets / f"{name}.keys")
        if name in SEALING and not is_told(prefix + "TOPIC_KEY_RING", own):
            own[prefix + "TOPIC_KEY_RING_FILE"] = str(self.folder.secrets / f"{TOPICS}.keys")
        if os.geteuid() == 0 and not is_told(prefix + "MAY_RUN_AS_ROOT", own):
            own[prefix + "MAY_RUN_AS_ROOT"] = "true"
        return {
            **own,
            **kafka,
            prefix + "DSN_FILE": str(self.folder.secrets / f"{name}.dsn"),
            prefix + "HTTP_HOST": HOST,
            prefix + "HTTP_PORT": str(port),
            "VCC_OIDC_ISSUER": issuer_url,
        }

    def _python(self, name: str, arguments: list[str], told: Mapping[str, str], port: int | None) -> Spec:
        return Spec(
            name=name,
            command=[sys.executable, "-P", "-m", *arguments],
            environment={**plain_environment(), "PYTHONPATH": self.pythonpath, "PYTHONUNBUFFERED": "1", **told},
            log=self.folder.log(name),
            folder=self.folder.path,
            ready=partial(probes.missing, port) if port else str,
        )


def external_dsn(service: str, environ: Mapping[str, str], setting: str = "dsn") -> str | None:
    """The database that the environment names for a service, by value or by file; `setting` says as which role."""
    return told(f"VCC_{service.upper()}_{setting.upper()}", environ)


def with_absolute_paths(environ: Mapping[str, str]) -> dict[str, str]:
    """A file named from where the user stands must still be found from where a service runs."""
    return {
        name: str(Path(value).absolute()) if value and name.startswith("VCC_") and name.endswith("FILE") else value
        for name, value in environ.items()
    }


def remember_dsns(folder: Folder, service: str, dsns: Mapping[str, str]) -> None:
    """By setting; what is not among them is forgotten."""
    for setting in DSNS:
        if setting in dsns:
            folder.secret(f"{service}.{setting}", dsns[setting])
        else:
            (folder.secrets / f"{service}.{setting}").unlink(missing_ok=True)


def known_dsns(folder: Folder, service: str) -> dict[str, str]:
    """By setting: how the service's database is entered, in each of its roles that is known here."""
    files = {setting: folder.secrets / f"{service}.{setting}" for setting in DSNS}
    return {setting: path.read_text() for setting, path in files.items() if path.exists()}


def remember_kafka(folder: Folder, environment: Mapping[str, str]) -> None:
    """So that commands given in another terminal reach the same brokers."""
    folder.secret(BROKERS, json.dumps(dict(environment)))
