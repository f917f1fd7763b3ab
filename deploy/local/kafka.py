"""One real Kafka broker (KRaft, single node) on loopback: its settings, its first format, and whether it serves."""

import base64
import os
import shutil
import signal
import socket
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import StackError
from deploy.local.jars import OWN_BROKER, classpath
from deploy.local.java import java
from deploy.local.kafka_access import Access
from deploy.local.process import Spec, tail
from deploy.local.state import replace

HOST = "127.0.0.1"
FORMAT_TIMEOUT_S = 60
PROBE_TIMEOUT_S = 1.0
# ApiVersions request, version 0, correlation id 1, client "vcc": the least that only a running broker answers
API_VERSIONS = b"\x00\x00\x00\x0d\x00\x12\x00\x00\x00\x00\x00\x01\x00\x03vcc"

# The short session: after a kill the broker may register again only when its old one is over.
PROPERTIES = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",
    "num.partitions": "1",
    "min.insync.replicas": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "10",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "broker.heartbeat.interval.ms": "1000",
    "broker.session.timeout.ms": "5000",
    "num.recovery.threads.per.data.dir": "2",
}
# One node has no replica to recover from: written to the disk every second, at the latest.
DURABLE = {"log.flush.interval.ms": "1000", "log.flush.scheduler.interval.ms": "1000"}

LOG4J = """\
Configuration:
  status: error
  Appenders:
    Console: {name: out, target: SYSTEM_OUT, PatternLayout: {pattern: "%d{ISO8601} %-5p %c{1} %m%n"}}
  Loggers:
    Root: {level: warn, AppenderRef: {ref: out}}
    Logger:
      - {name: kafka.server.KafkaRaftServer, level: info}
      - {name: org.apache.kafka.controller.QuorumController, level: error}
"""


@dataclass(frozen=True, slots=True)
class Kafka:
    data: Path
    port: int
    controller_port: int
    log: Path
    access: Access
    durable: bool = True
    heap: str = "512m"

    @property
    def bootstrap(self) -> str:
        return f"{HOST}:{self.port}"

    def prepare(self) -> Spec:
        """Writes the settings, formats an empty log folder, and says how to start the broker."""
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._write_settings()
        command = self._java()
        if not (self.data / "log" / "meta.properties").exists():
            self._format(command)
        return Spec(
            name="kafka",
            command=[*command, "kafka.Kafka", self.data / "server.properties"],
            log=self.log,
            folder=self.data,
            stop_signal=signal.SIGTERM,
            grace_s=20.0,
            ready=self.missing,
        )

    def properties(self) -> dict[str, str]:
        """All of the broker's settings but where its data are."""
        address = f"{HOST}:{self.controller_port}"
        return {
            **PROPERTIES,
            **(DURABLE if self.durable else {}),
            "listeners": f"CLIENTS://{self.bootstrap},CONTROLLER://{address}",
            "advertised.listeners": f"CLIENTS://{self.bootstrap}",
            "controller.quorum.voters": f"1@{address}",
            **self.access.settings(),
        }

    def _write_settings(self) -> None:
        """They hold a password: never readable by others, not even for a moment."""
        lines = {**self.properties(), "log.dirs": str(self.data / "log")}
        replace(self.data / "server.properties", "".join(f"{key}={value}\n" for key, value in lines.items()), 0o600)
        (self.data / "log4j2.yaml").write_text(LOG4J)

    def _java(self) -> list[str | Path]:
        jars = os.pathsep.join(map(str, classpath()))
        # Serial: the smallest footprint, and a heap of this size pauses it for milliseconds only.
        switches = [f"-Xmx{self.heap}", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", "-Djava.awt.headless=true"]
        # Compiled once: on a loaded laptop the second compiler took a third of the broker's work and gave nothing back.
        switches.append("-XX:TieredStopAtLevel=1")
        return [java(), *switches, f"-Dlog4j2.configurationFile={self.data / 'log4j2.yaml'}", "-cp", jars]

    def _format(self, command: list[str | Path]) -> None:
        shutil.rmtree(self.data / "log", ignore_errors=True)  # a killed format leaves files that the next one refuses
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        arguments: list[str | Path] = [
            "format",
            f"--cluster-id={cluster_id}",  # one argument: the id may begin with a dash
            "--config",
            self.data / "server.properties",
        ]
        done = subprocess.run(
            [*command, "kafka.tools.StorageTool", *arguments],
            capture_output=True,
            text=True,
            timeout=FORMAT_TIMEOUT_S,
            check=False,
        )
        if done.returncode:
            self.log.write_text(done.stdout + done.stderr)
            raise StackError(f"Kafka could not prepare {self.data / 'log'}: {tail(self.log, 3)}", OWN_BROKER)

    def missing(self) -> str:
        """Asks the broker itself: a port that accepts connections may still belong to a starting one."""
        try:
            with socket.create_connection((HOST, self.port), PROBE_TIMEOUT_S) as connection:
                connection.settimeout(PROBE_TIMEOUT_S)
                connection.sendall(API_VERSIONS)
                answered = connection.recv(8)
        except OSError as error:
            return f"no answer on port {self.port} ({type(error).__name__})"
        return "" if answered[4:8] == b"\x00\x00\x00\x01" else "not a Kafka broker"
