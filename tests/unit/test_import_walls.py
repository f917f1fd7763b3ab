"""The walls between services, rooms and kinds of files, each proved by bad imports that are planted in files that are
there, and in files that nobody has named yet."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "services", "deploy")
LINT = Path(sys.executable).with_name("lint-imports")
NAMES = {one["id"]: one["name"] for one in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"][
    "importlinter"]["contracts"]}  # fmt: skip


class Plant(NamedTuple):
    """A bad import: the contract that forbids it, the file (made, if it is not there), and what it imports."""

    contract: str
    file: str
    imported: str

    @property
    def importer(self) -> str:
        return self.file.removesuffix(".py").replace("/", ".")


E = "services/eligibility"
PLANTS = (
    Plant("schemas-alone", "schemas/envelope.py", "structlog"),
    Plant("schemas-alone", "schemas/new.py", "asyncpg"),
    Plant("services-independent", "services/outreach/policy.py", "services.scheduling.app"),
    Plant("services-independent", f"{E}/people/new_idea.py", "services.scheduling.app"),
    Plant("services-independent", "services/replicas/persons/store.py", "services.outreach.members.store"),
    Plant("services-independent", "services/replicas/days/new_idea.py", "services.scheduling.app"),
    Plant("services-independent", "services/kit/rows.py", "services.replicas.persons.rules"),
    Plant("kit-knows-no-service", "services/kit/ids.py", "services.reporting.app"),
    Plant("kit-knows-no-service", "services/kit/new.py", "services.eligibility.people.linkage"),
    Plant("services-know-no-deployment", f"{E}/intake/flow/worker.py", "deploy.console"),
    Plant("services-know-no-deployment", f"{E}/intake/new_idea.py", "deploy.console"),
    Plant("driver-in-stores", f"{E}/intake/flow/absence.py", "asyncpg"),
    Plant("driver-in-stores", f"{E}/people/linkage.py", "asyncpg"),
    Plant("driver-in-stores", f"{E}/people/new_idea.py", "asyncpg"),
    Plant("driver-in-stores", f"{E}/doses/flow/new.py", "asyncpg"),
    Plant("driver-in-stores", "services/messaging/texts/rules.py", "asyncpg"),
    Plant("http-in-apis", f"{E}/decisions/flow/redecide.py", "fastapi"),
    Plant("http-in-apis", f"{E}/intake/shapes.py", "fastapi"),
    Plant("http-in-apis", f"{E}/intake/flow/new.py", "fastapi"),
    Plant("broker-in-kit", f"{E}/decisions/flow/days.py", "aiokafka"),
    Plant("broker-in-kit", f"{E}/doses/flow/new.py", "faststream"),
    Plant("rules-know-no-chassis", f"{E}/decisions/rules.py", "services.kit.ids"),
    Plant("rules-know-no-chassis", f"{E}/programmes/risk/model.py", "structlog"),
    Plant("rules-know-no-chassis", f"{E}/feeds/records.py", "services.kit.log"),
    Plant("rules-know-no-chassis", f"{E}/people/new_idea.py", "services.kit.ids"),
    Plant("rules-know-no-chassis", "services/messaging/texts/rules.py", "services.kit.postgres"),
    Plant("stores-serve-flows", f"{E}/people/roster.py", "services.eligibility.people.store.members"),
    Plant("stores-serve-flows", f"{E}/people/new_idea.py", "services.eligibility.vital.store"),
    Plant("flows-serve-the-edge", f"{E}/decisions/store/decisions.py", "services.eligibility.people.flow"),
    Plant("flows-serve-the-edge", f"{E}/decisions/answers.py", "services.eligibility.decisions.flow.redecide"),
    Plant("flows-serve-the-edge", f"{E}/intake/store/new.py", "services.eligibility.people.flow"),
    Plant("flows-serve-the-edge", f"{E}/intake/new_idea.py", "services.eligibility.intake.flow.worker"),
    Plant("shapes-serve-apis", f"{E}/intake/flow/worker.py", "services.eligibility.intake.shapes"),
    Plant("shapes-serve-apis", f"{E}/intake/new_idea.py", "services.eligibility.intake.shapes"),
    Plant("edge-serves-app", f"{E}/intake/flow/worker.py", "services.eligibility.intake.api.files"),
    Plant("edge-serves-app", f"{E}/intake/new_idea.py", "services.eligibility.intake.cli.files"),
    Plant("eligibility-rooms", f"{E}/people/store/members.py", "services.eligibility.doses.store.doses"),
    Plant("eligibility-rooms", f"{E}/doses/new_idea.py", "services.eligibility.programmes.programme"),
    Plant("eligibility-rooms", f"{E}/new_room/rules.py", "services.eligibility.people.linkage"),
    Plant("driver-in-stores", "services/outreach/cases/rules.py", "asyncpg"),
    Plant("rules-know-no-chassis", "services/scheduling/appointments/rules.py", "services.kit.ids"),
    Plant("shapes-serve-apis", "services/outreach/attempts/entry.py", "services.outreach.attempts.shapes"),
    Plant("http-in-apis", "services/scheduling/refusals.py", "fastapi"),
    Plant("stores-serve-flows", "services/scheduling/appointments/new_idea.py", "services.scheduling.blocks.store"),
    Plant("rules-know-no-chassis", "services/reporting/rebuild/new_idea.py", "services.kit.auth"),
    Plant("outreach-rooms", "services/outreach/cases/rules.py", "services.outreach.attempts.rules"),
    Plant("outreach-rooms", "services/outreach/members/new_idea.py", "services.outreach.worklist.rules"),
    Plant("reporting-rooms", "services/reporting/facts/store.py", "services.reporting.figures.rules"),
    Plant("reporting-rooms", "services/reporting/facts/new_idea.py", "services.reporting.figures.rules"),
    Plant("driver-in-stores", "services/replicas/programmes/flow.py", "asyncpg"),
    Plant("rules-know-no-chassis", "services/replicas/programmes/new_idea.py", "services.kit.postgres"),
    Plant("stores-serve-flows", "services/scheduling/appointments/rules.py", "services.replicas.programmes.store"),
    Plant("stores-serve-flows", "services/outreach/cases/new_idea.py", "services.replicas.persons.store"),
    Plant("replicas-rooms", "services/replicas/days/store.py", "services.replicas.programmes.rules"),
    Plant("replicas-rooms", "services/replicas/persons/new_idea.py", "services.replicas.days.store"),
    Plant("scheduling-rooms", "services/scheduling/days/rules.py", "services.scheduling.blocks.rules"),
    Plant("scheduling-rooms", "services/scheduling/days/new_idea.py", "services.scheduling.blocks.rules"),
)


def _lint(folder: Path) -> dict[str, str]:
    """What the linter says of each broken contract, by id; nothing of those that hold."""
    command = [str(LINT), "--no-cache"]
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(folder), "COLUMNS": "999"},
    )
    assert "Contracts: " in done.stdout, done.stdout + done.stderr
    _, _, details = done.stdout.partition("\nBroken contracts\n")
    found = {}
    for contract, name in NAMES.items():
        _, _, said = details.partition(f"\n{name}\n{'-' * len(name)}\n")
        found[contract] = re.split(r"\n[^\n]+\n-{3,}\n", said)[0]
    assert done.returncode == any(found.values())
    return found


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What is said of a copy in which every bad import was planted."""
    folder = tmp_path_factory.mktemp("walls")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in PACKAGES:
        for source in (ROOT / package).rglob("*.py"):
            target = folder / source.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    for plant in PLANTS:
        path = folder / plant.file
        path.parent.mkdir(parents=True, exist_ok=True)
        for above in path.relative_to(folder).parents[:-2]:
            (folder / above / "__init__.py").touch()
        with path.open("a", encoding="utf-8") as file:
            file.write(f"\nimport {plant.imported}\n")
    return _lint(folder)


def test_every_wall_stands() -> None:
    """Nothing of the project breaks a contract."""
    assert _lint(ROOT) == dict.fromkeys(NAMES, "")


def test_every_wall_is_proved() -> None:
    """Each contract has a bad import in a file that is there, and in one that is not."""
    for contract in NAMES:
        assert {(ROOT / one.file).exists() for one in PLANTS if one.contract == contract} == {True, False}, contract


@pytest.mark.parametrize("plant", PLANTS, ids=lambda one: f"{one.contract}: {one.importer} -> {one.imported}")
def test_planted_bad_import_is_refused(spoilt: dict[str, str], plant: Plant) -> None:
    """The contract names the file and what it must not import; of a room that nobody placed, the room."""
    said = spoilt[plant.contract]
    if "new_room" in plant.file:
        assert "new_room" in said
    else:
        assert re.search(rf"{re.escape(plant.importer)} -> {re.escape(plant.imported)}[. (]", said), said
