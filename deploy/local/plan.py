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

from deploy.errors import StackError
from deploy.local import probes
from deploy.local.process import Spec, plain_environment
from deploy.local.state import ROOT, Folder

HOST = probes.HOST
SERVICES = ("eligibility", "outreach", "scheduling", "reporting")
EVERYBODYS = (
    "VCC_OIDC_", "VCC_FIRST_BUSINESS_ON", "VCC_BUSINESS_DAYS", "VCC_TEST_DATA_FROM", "VCC_SENDER_TIME_ZONE",
    "VCC_CDSI_",
)  # fmt: skip
OURS = ("DSN", "DSN_FILE", "HTTP_HOST", "HTTP_PORT")  # of a service's settings, those that the stack decides


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
        return "VCC_KAFKA_BOOTSTRAP_SERVERS" not in self.environ

    @property
    def own_postgres(self) -> bool:
        """Whether any service has no database named by the environment."""
        return any(external_dsn(name, self.environ) is None for name in self.services)

    @property
    def own_issuer(self) -> bool:
        return "VCC_OIDC_ISSUER" not in self.environ

    def ports(self) -> dict[str, int]:
        """Of everything that listens here."""
        own = ["kafka", "kafka-controller"] if self.own_kafka else []
        own += ["postgres"] if self.own_postgres else []
        own += ["issuer"] if self.own_issuer else []
        wanted = {name: self.environ.get(f"VCC_{name.upper()}_HTTP_PORT") for name in self.services}
        return {name: self.folder.port(name, wanted.get(name)) for name in [*own, *self.services]}

    def issuer_url(self, port: int | None) -> str:
        return f"http://{HOST}:{port}" if port else self.environ["VCC_OIDC_ISSUER"]

    def kafka_environment(self, port: int | None) -> dict[str, str]:
        if port is None:
            return {name: value for name, value in self.environ.items() if name.startswith("VCC_KAFKA_")}
        return {"VCC_KAFKA_BOOTSTRAP_SERVERS": f"{HOST}:{port}", "VCC_KAFKA_SECURITY_PROTOCOL": "PLAINTEXT"}

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
        prefix = f"VCC_{name.upper()}_"
        own = {key: value for key, value in self.environ.items() if key.startswith((prefix, *EVERYBODYS))}
        for setting in OURS:
            own.pop(prefix + setting, None)
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


def external_dsn(service: str, environ: Mapping[str, str]) -> str | None:
    """The database that the environment names for a service, by value or by file."""
    variable = f"VCC_{service.upper()}_DSN"
    if named := environ.get(variable + "_FILE"):
        try:
            return Path(named).read_text().strip()
        except OSError as error:
            raise StackError(
                f"{variable}_FILE: {named} cannot be read: {error.strerror}", "name a file that holds the DSN"
            ) from None
    return environ.get(variable)


def with_absolute_paths(environ: Mapping[str, str]) -> dict[str, str]:
    """A file named from where the user stands must still be found from where a service runs."""
    named = ("_FILE", "_CAFILE")
    return {
        name: str(Path(value).absolute()) if name.startswith("VCC_") and name.endswith(named) else value
        for name, value in environ.items()
    }


def remember_kafka(folder: Folder, environment: Mapping[str, str]) -> None:
    """So that commands given in another terminal reach the same brokers."""
    folder.secret("kafka.json", json.dumps(dict(environment)))
