"""Archives that would cost too much, or reach out of their folder, are refused before they are unpacked."""

import io
import struct
import zipfile

import pytest

from services.eligibility.feeds import archives
from services.eligibility.feeds.reader import read_stream
from services.eligibility.feeds.records import Rejection
from services.eligibility.settings import read_own_settings
from services.kit.settings import SettingsError
from tests.unit.eligibility.feeds.builders import a_dose, a_vxu

CONTENT = a_vxu(a_dose())


def a_zip(*files: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def a_link() -> zipfile.ZipInfo:
    link = zipfile.ZipInfo("a.hl7")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    return link


def codes(data: bytes) -> list[str]:
    return [item.code for item in read_stream(io.BytesIO(data)) if isinstance(item, Rejection)]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (a_zip(("a.hl7", CONTENT + b" " * (8 << 20))), "zip-ratio"),
        (a_zip(("../a.hl7", CONTENT)), "zip-path"),
        (a_zip(("/etc/a.hl7", CONTENT)), "zip-path"),
        (a_zip(("..\\a.hl7", CONTENT)), "zip-path"),
        (a_zip(("C:\\a.hl7", CONTENT)), "zip-path"),
        (a_zip((a_link(), CONTENT)), "zip-path"),
        (a_zip(("a.zip", a_zip(("a.hl7", CONTENT)))), "zip-nested"),
        (a_zip(("a.gz", b"\x1f\x8b\x08")), "zip-nested"),
        (a_zip(*((f"{n}.hl7", b"") for n in range(archives.USUAL_LIMITS.members + 1))), "zip-members"),
    ],
    ids=["ratio", "dots", "absolute", "backslashes", "drive", "link", "nested", "gzip", "members"],
)
def test_a_costly_archive_is_refused(data: bytes, code: str) -> None:
    """One rejection of the file with a reason of its own (v5.0.0-5.2.3, v5.0.0-5.3.3)."""
    assert codes(data) == [code]


def test_a_directory_is_measured_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive that declares a directory beyond measure is refused without opening it (v5.0.0-5.2.3)."""

    def unread(*_args: object) -> None:
        raise AssertionError("the directory was read")

    data = a_zip(("a.hl7", CONTENT))
    end = data.rindex(b"PK\x05\x06")
    huge = data[: end + 12] + struct.pack("<L", archives.MOST_DIRECTORY_BYTES + 1) + data[end + 16 :]
    monkeypatch.setattr(zipfile, "ZipFile", unread)
    assert codes(huge) == ["zip-members"]


def test_a_lie_about_the_size_is_no_way_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """A member that unpacks to more than its header says is read no further than that, and is told as broken."""
    data = a_zip(("a.hl7", CONTENT * 4000))
    size = struct.pack("<L", len(CONTENT) * 4000)
    assert "unreadable" in codes(data.replace(size, struct.pack("<L", len(CONTENT))))


def test_an_honest_archive_is_read() -> None:
    """A file that packs as messages do is taken."""
    assert codes(a_zip(("folder/a.hl7", CONTENT * 20))) == []


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (archives.ArchiveLimits(members=2), "zip-members"),
        (archives.ArchiveLimits(unpacked_mib=2), "zip-size"),
        (archives.ArchiveLimits(ratio=5), "zip-ratio"),
    ],
)
def test_a_deployment_sets_the_limits(limits: archives.ArchiveLimits, code: str) -> None:
    """Less is taken where a deployment says so (v5.0.0-5.2.1, v5.0.0-5.2.3)."""
    data = a_zip(*((f"{n}.txt", CONTENT * 4000) for n in range(3)))
    refused = [item.code for item in read_stream(io.BytesIO(data), limits=limits) if isinstance(item, Rejection)]
    assert refused == [code]


def test_the_settings_are_the_limits() -> None:
    """Each has a setting; what is no number fails the start."""
    read = read_own_settings({"VCC_ZIP_MOST_FILES": "5", "VCC_ZIP_MOST_MIB": "6", "VCC_ZIP_MOST_RATIO": "7"})
    assert read.archive_limits == archives.ArchiveLimits(5, 6, 7)
    assert read_own_settings({}).archive_limits == archives.USUAL_LIMITS
    with pytest.raises(SettingsError):
        read_own_settings({"VCC_ZIP_MOST_MIB": "much"})


def test_an_archive_behind_a_text_is_not_unpacked() -> None:
    """What begins as an extract's text is read as that: an archive that nobody measured is not looked for in it."""
    inner = a_zip(("a_C.txt", b"GRANTEECODE\tFILENAME\n" + b" " * (8 << 20)))
    text = b"PATIENTID\tVAXDATE\tMVX\tCVX\r\n"
    assert zipfile.is_zipfile(io.BytesIO(text + inner))
    assert codes(text + inner) == codes(text)


def test_an_entry_without_a_name_stops_nobody() -> None:
    """Of what a damaged archive calls nothing at all the library can't say whether it is a folder: the file is read, or
    refused, like another."""
    data = a_zip(("a.hl7", CONTENT)).replace(b"a.hl7", b"\0.hl7")
    assert list(read_stream(io.BytesIO(data)))
