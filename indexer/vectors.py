"""Vectors as bytes: half precision with a checksum, so that a database notices when they are not what was written."""

import zlib

import numpy as np

from indexer import fusion
from indexer.errors import BadVectors
from indexer.retriever import FIELDS
from indexer.types import Vectors

_CHECK_BYTES = 4


def pack(vector: Vectors) -> bytes:
    """Float16 bytes of a unit vector (d,) and their CRC-32; empty for zeros. Raises `BadVectors` for others."""
    if np.any(vector) and not fusion.is_unit_or_zero(vector[None])[0]:
        raise BadVectors("A model made a vector that is not of unit length. Report this with the model's name.")
    return seal(vector)


def seal(vector: Vectors) -> bytes:
    """As `pack`, of any length."""
    if not np.any(vector):
        return b""
    data = vector.astype("<f2").tobytes()
    return data + zlib.crc32(data).to_bytes(_CHECK_BYTES, "little")


def unpack(blob: bytes | memoryview, dim: int) -> Vectors:
    """The float32 vector (dim,), zeros for empty bytes. Raises `BadVectors` when it is not what was packed."""
    if not blob:
        return np.zeros(dim, np.float32)
    data, check = bytes(blob[:-_CHECK_BYTES]), bytes(blob[-_CHECK_BYTES:])
    if len(data) != 2 * dim or zlib.crc32(data).to_bytes(_CHECK_BYTES, "little") != check:
        raise BadVectors("A vector in the database was changed or is of another model. Run doctor --fix.")
    return np.frombuffer(data, "<f2").astype(np.float32)


def unpack_valid(blob: bytes | memoryview, dim: int) -> Vectors | None:
    """The vector (dim,), or None when it is not what was written: doctor reports that, search goes on without it."""
    try:
        return unpack(blob, dim)
    except BadVectors:
        return None


def pack_fields(vectors: Vectors) -> bytes:
    """Vectors of speech, screen and title (3, d), zero where a segment has none, one after the other."""
    return b"".join(pack(v) or bytes(2 * len(v) + _CHECK_BYTES) for v in vectors)


def unpack_fields(blob: bytes, dim: int) -> dict[str, Vectors | None]:
    """What `pack_fields` packed, by field that has words; None for a vector that is not what was written."""
    size = 2 * dim + _CHECK_BYTES
    parts = {field: bytes(blob[i * size : (i + 1) * size]) for i, field in enumerate(FIELDS)}
    return {field: unpack_valid(part, dim) for field, part in parts.items() if any(part)}
