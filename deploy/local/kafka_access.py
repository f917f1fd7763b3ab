"""Who may enter the embedded broker: its users and their passwords, and the settings by which it takes nobody else.

Services and tools come over one listener by SCRAM. The controller's listener takes the broker alone: it is what a
broker asks before it knows any user, so its one password stands in the broker's own settings (0600).
"""

from dataclasses import dataclass

from deploy.acls import ADMIN, services_of, user_of
from deploy.local.probes import HOST
from deploy.local.state import Folder

BROKER = "vcc-broker"
MECHANISM, CONTROLLER_MECHANISM = "SCRAM-SHA-512", "PLAIN"
PROTOCOL = "SASL_PLAINTEXT"
"""Both listeners are bound to loopback."""
SCRAM_MODULE = "org.apache.kafka.common.security.scram.ScramLoginModule"
PLAIN_MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule"


@dataclass(frozen=True, slots=True)
class Access:
    """The broker's users. A password is made once, at random, and kept in a file of the folder that only its owner may
    read; a service is told the name of its own file."""

    folder: Folder

    @property
    def users(self) -> list[str]:
        """All who may log in."""
        return [BROKER, ADMIN, *map(user_of, services_of())]

    def password(self, user: str) -> str:
        return self.folder.secret(_file(user)).read_text()

    def environment(self, user: str, port: int) -> dict[str, str]:
        """Every VCC_KAFKA_* setting by which `user` reaches the broker."""
        return {
            "VCC_KAFKA_BOOTSTRAP_SERVERS": f"{HOST}:{port}",
            "VCC_KAFKA_SECURITY_PROTOCOL": PROTOCOL,
            "VCC_KAFKA_SASL_MECHANISM": MECHANISM,
            "VCC_KAFKA_SASL_USERNAME": user,
            "VCC_KAFKA_SASL_PASSWORD_FILE": str(self.folder.secret(_file(user))),
        }

    def settings(self) -> dict[str, str]:
        """The broker's: who may enter by which listener, and that what nobody has allowed is refused."""
        login = f'username="{BROKER}" password="{self.password(BROKER)}"'
        known = f'user_{BROKER}="{self.password(BROKER)}"'
        return {
            "listener.security.protocol.map": f"CLIENTS:{PROTOCOL},CONTROLLER:{PROTOCOL}",
            "inter.broker.listener.name": "CLIENTS",
            "sasl.mechanism.inter.broker.protocol": MECHANISM,
            "sasl.mechanism.controller.protocol": CONTROLLER_MECHANISM,
            "listener.name.clients.sasl.enabled.mechanisms": MECHANISM,
            "listener.name.clients.scram-sha-512.sasl.jaas.config": f"{SCRAM_MODULE} required {login};",
            "listener.name.controller.sasl.enabled.mechanisms": CONTROLLER_MECHANISM,
            "listener.name.controller.plain.sasl.jaas.config": f"{PLAIN_MODULE} required {login} {known};",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found": "false",
            "super.users": f"User:{BROKER};User:{ADMIN}",
        }


def _file(user: str) -> str:
    return f"kafka-{user}.password"
