"""One text file of the user's: read with errors that say what it is instead, written whole or not at all."""

import os
import shlex
import stat
import sys
from pathlib import Path

import typer

from manifests.errors import SourceError

_LOOKED_AT = 8_000  # bytes in which a NUL tells a binary file, as in Git
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def read_text(path: str) -> str:
    """The file's text, `-` being standard input.

    Raises:
        SourceError: it is not there, a folder, binary, or not UTF-8.
    """
    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except IsADirectoryError as error:
        raise SourceError(
            f"{path}: expected a file, found a folder",
            hint=f"name its files, such as {shlex.quote(path.rstrip('/'))}/*.py",
        ) from error
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}", hint="check the path") from error
    except ValueError as error:  # a NUL in the path
        raise SourceError(f"{path}: cannot be read: no path", hint="check the path") from error
    wide = data.startswith(_UTF_16)
    place = data.find(0, 0, _LOOKED_AT)
    if place >= 0 and not wide:
        raise SourceError(
            f"{path}: expected text, found a NUL byte at offset {place}", hint="redact reads text, no binary files"
        )
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        charset = "UTF-16" if wide else "WINDOWS-1252"
        raise SourceError(
            f"{path}: expected UTF-8, found another byte at offset {error.start}",
            hint=f"convert it first, such as: iconv -f {charset} -t UTF-8 {'' if path == '-' else shlex.quote(path)}",
        ) from None


def same_file(path: str, other: str) -> bool:
    """Whether both are there and one file, under whatever names."""
    try:
        return Path(path).samefile(other)
    except (OSError, ValueError):
        return False


def write_text(path: str, text: str) -> None:
    """Write a text in UTF-8, `-` being standard output; a file is replaced at once, when all of it is written.

    Raises:
        SourceError: it cannot be written; what was there before is as it was.
    """
    data = text.encode()
    if path == "-":
        typer.echo(data, nl=False)
        return
    target = Path(path)
    try:
        target = target.resolve()  # a link stays a link
        if target.exists() and not target.is_file():
            target.write_bytes(data)  # a device or a pipe
            return
        _replace(target, data)
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: a link to itself, before Python 3.13
        reason = getattr(error, "strerror", None) or "no path"
        raise SourceError(f"{path}: cannot be written: {reason}", hint="check the folder and its free space") from error


def _replace(target: Path, data: bytes) -> None:
    temporary = target.with_name(f".corpusmill-{os.getpid()}.part")
    try:
        with temporary.open("xb") as file:
            if target.exists():
                temporary.chmod(stat.S_IMODE(target.stat().st_mode))
            file.write(data)
        temporary.replace(target)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
