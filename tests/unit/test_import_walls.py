"""The walls between the packages, each proved by a planted bad import."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "services", "deploy")
LINT = Path(sys.executable).with_name("lint-imports")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's Python files and its contracts, to be spoilt at will."""
    folder = tmp_path_factory.mktemp("walls")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in PACKAGES:
        for source in (ROOT / package).rglob("*.py"):
            target = folder / source.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    return folder


def _lint(folder: Path, contract: str) -> subprocess.CompletedProcess[str]:
    command = [str(LINT), "--contract", contract, "--no-cache"]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(folder)}
    )


PURE = (
    "eligibility.domain", "eligibility.deciding", "eligibility.roster", "eligibility.linkage", "eligibility.doses",
    "eligibility.registry", "eligibility.identity", "eligibility.acquaintances", "eligibility.payers",
    "eligibility.admission", "eligibility.tenants", "eligibility.vital", "eligibility.registry_person",
    "eligibility.roster_vital", "eligibility.roster_changes", "eligibility.spans", "eligibility.said",
    "eligibility.numbers", "eligibility.remarks", "eligibility.content", "eligibility.reading",
    "eligibility.feeds.vxu_dose", "eligibility.forecast.engine",
    "eligibility.programmes.segment", "eligibility.programmes.target", "eligibility.risk.model",
    "eligibility.benefits.entitlements",
    "outreach.attempts.entry", "outreach.attempts.rules", "outreach.cases.appointments", "outreach.cases.changes",
    "outreach.cases.channels", "outreach.cases.evidence", "outreach.cases.rules", "outreach.claims.rules",
    "outreach.contacts.dispositions", "outreach.contacts.rules", "outreach.lost_bookings.rules",
    "outreach.members.rules", "outreach.policy", "outreach.worklist.paging", "outreach.worklist.rules",
    "outreach.worklist.why",
    "scheduling.days.rules", "scheduling.programmes.rules", "scheduling.persons.rules", "scheduling.members.rules",
    "scheduling.doses.rules", "scheduling.sites.rules", "scheduling.blocks.rules", "scheduling.blocks.events",
    "scheduling.appointments.rules", "scheduling.appointments.seats", "scheduling.appointments.cancellation",
    "scheduling.appointments.events", "scheduling.settling.rules", "scheduling.refusals",
    "reporting.coverage.rules", "reporting.figures.report", "reporting.figures.rules", "reporting.population.rules",
    "reporting.population.shares", "reporting.targets.rules",
)  # fmt: skip


@pytest.mark.slow
def test_every_module_of_rules_is_inside_the_wall(copy: Path) -> None:
    """The chassis's ids, planted in each module that only decides, are named as breaking the wall in each of them."""
    modules = {f"services.{name}": copy / f"services/{name.replace('.', '/')}.py" for name in PURE}
    good = {path: path.read_text("utf-8") for path in modules.values()}
    try:
        for path, source in good.items():
            path.write_text(f"{source}\nimport services.kit.ids  # noqa\n", "utf-8")
        spoilt = _lint(copy, "domain-is-pure")
    finally:
        for path, source in good.items():
            path.write_text(source, "utf-8")
    named = set(re.findall(r"(services\.[\w.]+) -> services\.kit\.ids", spoilt.stdout))
    assert (spoilt.returncode, modules.keys() - named) == (1, set())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("contract", "module", "bad_import"),
    [
        ("schemas-alone", "schemas/envelope.py", "import structlog"),
        ("services-independent", "services/outreach/members/store.py", "import services.scheduling.appointments.rules"),
        ("kit-knows-no-service", "services/kit/ids.py", "import services.reporting.facts.store"),
        ("services-know-no-deployment", "services/eligibility/handlers.py", "import deploy.console"),
        ("domain-is-pure", "services/scheduling/appointments/rules.py", "import asyncpg"),
        ("service-layers", "services/eligibility/domain.py", "import services.eligibility.handlers"),
        ("reporting-rooms", "services/reporting/facts/store.py", "import services.reporting.coverage.store"),
        ("scheduling-rooms", "services/scheduling/blocks/flow.py", "import services.scheduling.appointments.store"),
        ("scheduling-rooms", "services/scheduling/sites/store.py", "import services.scheduling.blocks.rules"),
        ("outreach-rooms", "services/outreach/claims/store.py", "import services.outreach.attempts.rules"),
        ("outreach-rooms", "services/outreach/worklist/flow.py", "import services.outreach.lost_bookings.rules"),
        ("outreach-rooms", "services/outreach/cases/store.py", "import services.outreach.worklist.rules"),
    ],
)
def test_planted_bad_import_is_refused(copy: Path, contract: str, module: str, bad_import: str) -> None:
    """Each wall holds today, and falls to the one import that it forbids."""
    good = _lint(copy, contract)
    assert good.returncode == 0, good.stdout
    path = copy / module
    source = path.read_text("utf-8")
    try:
        path.write_text(f"{source}\n{bad_import}  # noqa\n", "utf-8")
        spoilt = _lint(copy, contract)
    finally:
        path.write_text(source, "utf-8")
    assert spoilt.returncode == 1, spoilt.stdout
    assert "BROKEN" in spoilt.stdout
