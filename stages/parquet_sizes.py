"""Sizes of Arrow's rows once they are Python's: what a few bits of a list or of a dictionary become."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_VALUE_BYTES = 2  # the least that a value in a list or an object takes in JSON


def row_bytes(batch: pa.RecordBatch) -> int:
    """What the rows take: their bytes, and two for each value in a list or an object, as JSON does.

    Values of a dictionary count as often as they stand there. Cost: that of the columns, not of the values, but for
    dictionaries: two array lookups a value.
    """
    return sum(map(_bytes_of, batch.columns))


def _bytes_of(array: pa.Array) -> int:
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        return _bytes_of(array.storage)
    if pa.types.is_dictionary(kind):
        return int(array.indices.nbytes) + _repeated_bytes(array)
    if pa.types.is_struct(kind):
        return sum(_VALUE_BYTES * len(array) + _bytes_of(part) for part in array.flatten())
    if pa.types.is_map(kind):
        first, last = array.offsets[0].as_py(), array.offsets[-1].as_py()
        parts = [part.slice(first, last - first) for part in (array.keys, array.items)]
        return _VALUE_BYTES * len(array) + sum(_VALUE_BYTES * len(part) + _bytes_of(part) for part in parts)
    if hasattr(array, "flatten"):  # every kind of list
        values = array.flatten()
        return _VALUE_BYTES * (len(values) + len(array)) + _bytes_of(values)
    return int(array.nbytes)


def _repeated_bytes(array: pa.DictionaryArray) -> int:
    """Of the values that stand in an array with a dictionary."""
    numbers = array.indices.drop_null().to_numpy()
    values = array.dictionary
    if not (pa.types.is_string(values.type) or pa.types.is_binary(values.type)):
        return len(numbers) * int(values.nbytes)
    if not len(numbers):
        return 0
    lowest, highest = int(numbers.min()), int(numbers.max())  # a slice: of a large dictionary no copy is made
    lengths = pc.binary_length(values.slice(lowest, highest - lowest + 1)).fill_null(0).to_numpy(zero_copy_only=False)
    return int(lengths[numbers - lowest].sum(dtype=np.int64))
