"""The first run makes `.venv` from the lock file; what goes wrong is a sentence. pip is real, its registry a folder."""

import ast
import hashlib
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from deploy import venv
from deploy.errors import StackError

ROOT = Path(__file__).parents[3]
METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


class Checkout:
    """A checkout with two lock files, and the folder that pip takes its wheels from."""

    def __init__(self, path: Path) -> None:
        self.path, self.wheels = path / "checkout", path / "wheels"
        self.path.mkdir()
        self.wheels.mkdir()
        self.lock("1.0")

    def lock(self, version: str) -> None:
        kettle, teapot = self.wheel("kettle", version), self.wheel("teapot", "1.0")
        (self.path / "requirements.lock").write_text(kettle)
        (self.path / "requirements-dev.lock").write_text(kettle + teapot)

    def wheel(self, name: str, version: str) -> str:
        """Makes the wheel; its line in a lock file."""
        path = self.wheels / f"{name}-{version}-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as packed:
            packed.writestr(f"{name}.py", f"version = {version!r}\n")
            packed.writestr(f"{name}-{version}.dist-info/METADATA", METADATA.format(name=name, version=version))
            packed.writestr(f"{name}-{version}.dist-info/WHEEL", WHEEL)
            packed.writestr(f"{name}-{version}.dist-info/RECORD", "")
        return f"{name}=={version} \\\n    --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"

    def version_of(self, name: str) -> str:
        code = f"import {name}; print({name}.version)"
        python = self.path / ".venv" / "bin" / "python"
        return subprocess.run([python, "-c", code], capture_output=True, text=True, check=False).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    made = Checkout(tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(made.wheels))
    monkeypatch.setattr(shutil, "which", lambda name: None)  # no uv: it would not know pip's folder
    return made


@pytest.mark.slow
def test_it_is_made_once_and_follows_the_lock(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made on first use, not touched on the second, brought up to date when the lock changed, test tools when asked."""
    venv.ensure(checkout.path, with_tests=False)
    assert (checkout.version_of("kettle"), checkout.version_of("teapot")) == ("1.0", "")
    checkout.lock("2.0")
    venv.ensure(checkout.path, with_tests=False)
    assert checkout.version_of("kettle") == "2.0"
    venv.ensure(checkout.path, with_tests=True)
    assert checkout.version_of("teapot") == "1.0"
    monkeypatch.setattr(venv, "_build", lambda *_: pytest.fail("built although nothing changed"))
    venv.ensure(checkout.path, with_tests=True)
    venv.ensure(checkout.path, with_tests=False)


@pytest.mark.slow
def test_what_a_killed_run_left_is_redone(checkout: Checkout) -> None:
    """A .venv without its stamp is thrown away, whatever it holds."""
    (checkout.path / ".venv" / "bin").mkdir(parents=True)
    (checkout.path / ".venv" / "bin" / "python").write_text("#!/bin/sh\nexit 1\n")
    (checkout.path / ".venv" / "bin" / "python").chmod(0o755)
    (checkout.path / ".venv" / "half-written").touch()
    venv.ensure(checkout.path, with_tests=False)
    assert not (checkout.path / ".venv" / "half-written").exists()
    assert checkout.version_of("kettle") == "1.0"


@pytest.mark.slow
def test_a_changed_wheel_is_named(checkout: Checkout) -> None:
    """A package whose hash is not the lock's is not installed, and the next run tries again."""
    with (checkout.wheels / "kettle-1.0-py3-none-any.whl").open("ab") as wheel:
        wheel.write(b"salt")
    with pytest.raises(StackError, match=r"kettle==1\.0 is not the file that requirements\.lock names"):
        venv.ensure(checkout.path, with_tests=False)
    assert checkout.version_of("kettle") == ""
    checkout.lock("1.0")
    venv.ensure(checkout.path, with_tests=False)
    assert checkout.version_of("kettle") == "1.0"


@pytest.mark.slow
def test_without_a_network_it_says_so(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry that does not answer is told as such, with where to look."""
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(StackError, match=r"downloading what requirements\.lock names failed[\s\S]*HTTPS_PROXY"):
        venv.ensure(checkout.path, with_tests=False)


@pytest.mark.parametrize("absent", ["venv", "ensurepip"])
def test_a_python_without_venv_is_named(checkout: Checkout, monkeypatch: pytest.MonkeyPatch, absent: str) -> None:
    """Debian's Python comes without these modules: the error names the package to install."""
    monkeypatch.setattr(venv, "find_spec", lambda name: None if name == absent else object())
    with pytest.raises(StackError, match="apt install python3-venv"):
        venv.ensure(checkout.path, with_tests=False)


def test_too_little_room_is_said_beforehand(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """With too little disk space nothing is begun."""
    monkeypatch.setattr(venv, "ROOM_BYTES", 10**18)
    with pytest.raises(StackError, match="MB are free"):
        venv.ensure(checkout.path, with_tests=False)
    assert not (checkout.path / ".venv").exists()


def test_a_missing_lock_is_named(checkout: Checkout) -> None:
    """Without its lock file nothing is installed."""
    (checkout.path / "requirements.lock").unlink()
    with pytest.raises(StackError, match=r"requirements\.lock is missing"):
        venv.ensure(checkout.path, with_tests=False)


def test_old_pythons_can_read_the_entry_script() -> None:
    """`vcc` has no syntax that keeps an old Python from saying that it is too old."""
    source = (ROOT / "vcc").read_text()
    ast.parse(source, feature_version=(3, 4))
    with pytest.raises(SyntaxError):
        ast.parse("print(f'{1}')", feature_version=(3, 4))


def test_no_address_stands_in_what_is_downloaded_by() -> None:
    """Lock files and installers name packages and hashes; pip, uv and jgo know where those live."""
    files = [*ROOT.glob("*.lock"), ROOT / "vcc", *(ROOT / "deploy").glob("*.py"), *(ROOT / "deploy/local").glob("*")]
    assert [path.name for path in files if path.is_file() and "https://" in path.read_text()] == []
