"""The detector's answers, kept: what comes back, and what is passed over."""

import errno
import os
import signal
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.errors import NoSpaceError, RecipeError
from stages.licence_cache import LicenceCache
from stages.licence_detection import Detection

MIT = Detection("MIT", "MIT", 1.0)
GPL = Detection("GPL-2.0-only", "", 0.85)
NOTHING = Detection()
UNDECIDED = Detection(decided=False)

KEYS = st.binary(min_size=16, max_size=16)
ANSWERS = st.builds(
    Detection,
    st.sampled_from(["", "MIT", "GPL-2.0-only OR MIT", "ü\0"]),
    st.sampled_from(["", "MIT"]),
    st.floats(0, 1),
    st.just(True),
)


def key(number: int) -> bytes:
    return bytes([number]) * 16


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@given(st.lists(st.dictionaries(KEYS, ANSWERS, max_size=5), max_size=4), st.sets(KEYS, max_size=5))
def test_what_is_kept_comes_back_for_the_keys_that_are_asked(
    parts: list[dict[bytes, Detection]], others: set[bytes]
) -> None:
    with TemporaryDirectory() as folder:
        cache = LicenceCache(folder, "v")
        every: dict[bytes, Detection] = {}
        for part in parts:
            new = {name: answer for name, answer in part.items() if name not in every}
            cache.add(new)
            every |= new
        again = LicenceCache(folder, "v")
        assert again.known([*every, *others]) == every
        half = set(list(every)[::2])
        assert again.known(half | others) == {name: every[name] for name in half | (others & set(every))}


def test_any_range_of_keys_is_found_in_a_file_of_many_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stages.licence_cache._ROW_GROUP", 7)
    cache = LicenceCache(str(tmp_path), "v")
    every = {key(number): Detection(f"L-{number}") for number in range(0, 200, 2)}
    cache.add(every)
    for first, last in ((0, 198), (0, 0), (198, 198), (13, 14), (14, 29), (1, 1)):
        asked = [key(number) for number in range(first, last + 1)]
        assert cache.known(asked) == {name: every[name] for name in asked if name in every}


def test_order_of_keys_and_of_additions_makes_no_difference(tmp_path: Path) -> None:
    answers = [(key(number), Detection(f"L-{number}")) for number in range(9)]
    one, two = LicenceCache(str(tmp_path / "one"), "v"), LicenceCache(str(tmp_path / "two"), "v")
    one.add(dict(answers))
    two.add(dict(reversed(answers)))
    assert [path.name for path in files(tmp_path / "one")] == [path.name for path in files(tmp_path / "two")]
    two.add(dict(answers[::2]))
    assert one.known([name for name, _ in answers]) == two.known([name for name, _ in reversed(answers)])


def test_another_version_is_not_seen(tmp_path: Path) -> None:
    LicenceCache(str(tmp_path), "v").add({key(1): MIT})
    for version in ("w", "v2"):
        assert LicenceCache(str(tmp_path), version).known([key(1)]) == {}
    assert LicenceCache(str(tmp_path), "v").known([key(1)]) == {key(1): MIT}


def test_undecided_answers_are_not_kept(tmp_path: Path) -> None:
    cache = LicenceCache(str(tmp_path), "v")
    cache.add({key(1): UNDECIDED, key(2): NOTHING, key(3): GPL})
    assert cache.known(map(key, range(5))) == {key(2): NOTHING, key(3): GPL}


@pytest.mark.parametrize("answers", [{}, {key(1): UNDECIDED}])
def test_nothing_is_written_where_nothing_is_left(tmp_path: Path, answers: dict[bytes, Detection]) -> None:
    LicenceCache(str(tmp_path / "cache"), "v").add(answers)
    assert list(tmp_path.iterdir()) == []


def test_asking_writes_nothing_and_needs_no_folder(tmp_path: Path) -> None:
    assert LicenceCache(str(tmp_path / "cache"), "v").known([key(1)]) == {}
    assert list(tmp_path.iterdir()) == []


def damaged(data: bytes) -> Iterable[bytes]:
    yield b""
    yield data[: len(data) // 2]
    yield data[:-1]
    yield data + b"\0"
    for place in range(0, len(data), 7):
        yield data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]


def test_a_damaged_file_answers_nothing_and_hides_no_other(tmp_path: Path) -> None:
    """pyarrow waits for ever over some of these files, and reads other answers out of others."""
    cache = LicenceCache(str(tmp_path), "v")
    cache.add({key(1): MIT, key(2): GPL, key(3): NOTHING})
    [path] = files(tmp_path)
    cache.add({key(4): MIT})
    for data in damaged(path.read_bytes()):
        path.write_bytes(data)
        assert cache.known(map(key, range(9))) == {key(4): MIT}


def test_a_damaged_file_is_put_right_when_its_answers_come_again(tmp_path: Path) -> None:
    cache = LicenceCache(str(tmp_path), "v")
    cache.add({key(1): MIT})
    [path] = files(tmp_path)
    path.write_bytes(b"cut")
    cache.add({key(1): MIT})
    assert cache.known([key(1)]) == {key(1): MIT}
    assert files(tmp_path) == [path]


def test_files_of_somebody_else_are_passed_over(tmp_path: Path) -> None:
    cache = LicenceCache(str(tmp_path), "v")
    cache.add({key(1): MIT})
    folder = tmp_path / "v"
    (folder / "README.md").write_text("hands off")
    (folder / "below").mkdir()
    (folder / "below" / "x.parquet").write_bytes(files(tmp_path)[0].read_bytes())
    table = pa.table({"key": [key(1)], "expression": [3], "granted": [""], "confidence": [1.0]})
    pq.write_table(table, folder / "x.parquet")
    data = (folder / "x.parquet").read_bytes()
    (folder / f"{sha256(data).hexdigest()[:32]}.parquet").write_bytes(data)
    (folder / f"{sha256(b'x').hexdigest()[:32]}.parquet").write_bytes(b"x")
    (folder / f"{sha256(b'y').hexdigest()[:32]}").write_bytes(b"y")
    (folder / ".parquet").write_bytes(b"")
    assert cache.known([key(1)]) == {key(1): MIT}


def test_any_number_of_writers_share_a_folder(tmp_path: Path) -> None:
    """Eight processes, let go at once, write answers of their own and some that are everybody's."""
    ready, go = os.pipe(), os.pipe()
    writers = []
    for writer in range(8):
        process = os.fork()
        if not process:
            code = 1
            try:
                signal.alarm(30)
                os.write(ready[1], b"x")
                os.read(go[0], 1)
                cache = LicenceCache(str(tmp_path), "v")
                for number in range(10):
                    cache.add({bytes([writer, number]) * 8: MIT})
                    cache.add({bytes([99, number]) * 8: GPL})
                code = 0
            finally:
                os._exit(code)
        writers.append(process)
    for _ in writers:
        os.read(ready[0], 1)
    os.write(go[1], b"x" * len(writers))
    assert [os.waitstatus_to_exitcode(os.waitpid(writer, 0)[1]) for writer in writers] == [0] * len(writers)
    for pipe in (*ready, *go):
        os.close(pipe)
    own = {bytes([writer, number]) * 8: MIT for writer in range(8) for number in range(10)}
    shared = {bytes([99, number]) * 8: GPL for number in range(10)}
    assert LicenceCache(str(tmp_path), "v").known([*own, *shared]) == own | shared
    assert len(files(tmp_path)) == 90


@pytest.mark.parametrize("below", ["cache", "cache/more/of/it"])
def test_a_folder_that_cannot_be_written_is_told_with_the_setting_to_change(tmp_path: Path, below: str) -> None:
    (tmp_path / "cache").write_text("a file")
    cache = LicenceCache(str(tmp_path / below), "v")
    with pytest.raises(RecipeError, match=r"cannot be written: (Not a directory|File exists)") as caught:
        cache.check_writable()
    assert "licences.cache" in str(caught.value.hint)
    with pytest.raises(RecipeError, match="cannot be written"):
        cache.add({key(1): MIT})
    assert cache.known([key(1)]) == {}


def test_the_check_leaves_nothing_and_disturbs_no_writer(tmp_path: Path) -> None:
    half = tmp_path / "cache" / "tmp" / f"{os.getpid()}-0123456789abcdef"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half")
    LicenceCache(str(tmp_path / "cache"), "v").check_writable()
    assert files(tmp_path) == [half]
    LicenceCache(str(tmp_path / "new" / "one"), "v").check_writable()
    assert (tmp_path / "new" / "one").is_dir()


def test_a_full_disk_is_told_with_what_helps_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    cache = LicenceCache(str(tmp_path), "v")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(NoSpaceError, match=f"^{tmp_path}: no space left") as caught:
            cache.add({key(1): MIT})
    assert "licences.cache" in caught.value.hint
    assert "gc" not in caught.value.hint
    monkeypatch.setattr("stages.licence_cache.TemporaryFile", lambda **_where: full_file)
    with Path("/dev/full").open("wb") as full_file, pytest.raises(NoSpaceError, match="no space left") as caught:
        cache.check_writable()
    assert "licences.cache" in caught.value.hint
