"""Instruments that inject a fault for real. Most of them only root has; a test skips by name where one is not there."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

_MEMORY_GROUPS = Path("/sys/fs/cgroup/memory")


def _mount(*arguments: str) -> None:
    done = subprocess.run(["/bin/mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"mount {' '.join(arguments)}: {done.stderr.strip()}")


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """A file system of its own in a folder, of `size` (like "64k"); root alone can make one."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk (tmpfs)")
    folder.mkdir(parents=True, exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={size},mode=700", "corpusmill-test", str(folder))
    try:
        yield
    finally:
        subprocess.run(["/bin/umount", "--lazy", str(folder)], check=True)


def remount(folder: Path, option: str) -> None:
    """Change an option of a small disk that is in use: `size=64m`, `ro`, `rw`."""
    _mount("-o", f"remount,{option}", str(folder))


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Lay a read-only view of a folder over it, whatever is open there."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a folder read-only for root (bind mount)")
    _mount("--bind", str(folder), str(folder))
    try:
        _mount("-o", "remount,bind,ro", str(folder))
        yield
    finally:
        subprocess.run(["/bin/umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Write into a file until the disk has no room; returns the file."""
    path = folder / "filling"
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    return path


@contextmanager
def memory_limit() -> Iterator[Path]:
    """A control group whose processes can have no more memory: the kernel kills them when they next ask for some.

    Yields:
        The file that takes process numbers.
    """
    group = _MEMORY_GROUPS / f"corpusmill-test-{os.getpid()}"
    if os.geteuid() != 0 or not (_MEMORY_GROUPS / "memory.limit_in_bytes").exists():
        pytest.skip("needs root and control groups of memory (version 1)")
    group.mkdir()
    try:
        (group / "memory.limit_in_bytes").write_text("4096")
        yield group / "cgroup.procs"
    finally:
        group.rmdir()
