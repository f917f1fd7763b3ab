"""The one place where the stack reads the settings that the environment gives it: each by value, or from the file that
its name with `_FILE` behind it names, so that no secret stands in an environment. Services do likewise with theirs."""

import os
from collections.abc import Mapping
from pathlib import Path

from deploy.errors import StackError

FILE = "_FILE"


def told(name: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """None where it is not said. StackError where it is said twice, or the file can't be read."""
    file = environ.get(name + FILE)
    if not file:
        return environ.get(name)
    if name in environ:
        raise StackError(f"{name}, {name}{FILE}: both are given", "give one of them")
    try:
        return Path(file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise StackError(f"{name}{FILE}: {file} cannot be read: {why}", f"name a file that holds {name}") from None


def is_told(name: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether it is said in either way. The file is not read."""
    return name in environ or bool(environ.get(name + FILE))


def file_of(name: str, environ: Mapping[str, str] = os.environ) -> Path | None:
    """The file that holds it, if one does."""
    return Path(file).absolute() if (file := environ.get(name + FILE)) else None


def saying(environ: Mapping[str, str], **settings: str) -> dict[str, str]:
    """This environment, in which these settings have these values, whatever it said of them."""
    return {name: value for name, value in environ.items() if name.removesuffix(FILE) not in settings} | settings


def say(name: str, value: str) -> None:
    """Likewise to this process and to whom it starts."""
    os.environ.pop(name + FILE, None)
    os.environ[name] = value
