"""The guard in `conftest.py`: an error that was only logged fails the test."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CASES = """
import logging, pytest, structlog
from services.kit.log import configure

def test_passes_quiet(): structlog.get_logger().info("quiet")
def test_fails_structlog(): structlog.get_logger().error("spilled the tea")
def test_fails_logging(): logging.getLogger("asyncio").error("spilled the tea")
def test_passes_after_failures(): pass

def test_fails_configured_structlog():
    configure("teapot")
    structlog.get_logger().error("spilled the tea")

def test_fails_configured_logging():
    configure("teapot")
    logging.getLogger("asyncio").error("spilled the tea")

@pytest.mark.expects_error_log
def test_passes_expected(): structlog.get_logger().error("spilled the tea")

@pytest.mark.expects_error_log("tea")
def test_passes_expected_by_name(): structlog.get_logger().error("spilled the tea")

@pytest.mark.expects_error_log("milk")
def test_fails_other_than_expected(): structlog.get_logger().error("spilled the tea")
"""


@pytest.mark.slow
def test_a_logged_error_fails_the_test(tmp_path: Path) -> None:
    """Errors by structlog and by logging fail their own test only, unless it says that it expects them."""
    case = tmp_path / "test_case.py"
    case.write_text(CASES)
    command = [
        "-m",
        "pytest",
        "-q",
        "-rA",
        "-c",
        "/dev/null",
        "-p",
        "tests.conftest",
        "--rootdir",
        str(tmp_path),
        str(case),
    ]
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False, timeout=50)
    failed = set(re.findall(r"^ERROR \S+::(\w+)", done.stdout, re.MULTILINE))
    assert failed == set(re.findall(r"def (test_fails_\w+)", CASES)), done.stdout
