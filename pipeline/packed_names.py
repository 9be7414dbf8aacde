"""Names of packed documents, taken apart: what they say of the document that they are of."""

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from manifests.document import ID_BYTES
from stages.rendering import packed_id

_NAME = re.compile(r"([0-9a-f]{32})(-repository|-rewrite)?(?:-([2-9]|[1-9][0-9]{1,8}))?")

Bools = npt.NDArray[np.bool_]
Digests = npt.NDArray[np.void]


@dataclass(frozen=True, slots=True, eq=False)
class PackedNames:
    """Parallel arrays, one entry a name.

    Attributes:
        keys: 16 bytes that tell packed documents apart.
        first_ids: 16 bytes, the id of their first source document.
        copies: int32, which copy they are, from 0.
        repositories: whether they hold several files of a repository.
        rewritten: whether they are one file that a model rewrote; of several files the name does not say.
    """

    keys: Digests
    first_ids: Digests
    copies: npt.NDArray[np.int32]
    repositories: Bools
    rewritten: Bools

    @classmethod
    def of(cls, names: pa.StringArray) -> "PackedNames":
        """Take names apart.

        Raises:
            ValueError: a name is none; its argument is the place of the first such one.
        """
        is_bare = pc.equal(pc.binary_length(names), 2 * ID_BYTES).to_numpy(zero_copy_only=False)
        keys = np.zeros(len(names), dtype=f"V{ID_BYTES}")
        first_ids = keys.copy()
        copies = np.zeros(len(names), dtype=np.int32)
        repositories, rewritten = (np.zeros(len(names), dtype=np.bool_) for _ in range(2))
        bare = "".join(names.filter(pa.array(is_bare)).to_pylist())
        digests = _bytes_of(bare)
        if digests is None:
            wrong = [place for place in np.flatnonzero(is_bare) if not _NAME.fullmatch(names[int(place)].as_py())]
            raise ValueError(int(wrong[0]))
        keys[is_bare] = first_ids[is_bare] = np.frombuffer(digests, dtype=f"V{ID_BYTES}")
        for place in np.flatnonzero(~is_bare).tolist():
            name = names[place].as_py()
            found = _NAME.fullmatch(name)
            if found is None:
                raise ValueError(place)
            keys[place] = np.void(packed_id(name))
            first_ids[place] = np.void(bytes.fromhex(found[1]))
            repositories[place], rewritten[place] = found[2] == "-repository", found[2] == "-rewrite"
            copies[place] = int(found[3] or 1) - 1
        return cls(keys, first_ids, copies, repositories, rewritten)


def _bytes_of(digits: str) -> bytes | None:
    """Lower-case hex digits as bytes; None for anything else."""
    try:
        value = bytes.fromhex(digits)
    except ValueError:
        return None
    return value if value.hex() == digits else None  # capitals and white space
