"""Merkle trees over records: a root for many leaves, and short proofs that one leaf is under a root.

Source: RFC 9162 (Certificate Transparency 2.0), section 2.1, with SHA-256. Leaves and inner nodes are hashed with
different first bytes, so that none can pass for the other.
"""

import hashlib
from collections.abc import Sequence


def leaf_hash(data: bytes) -> bytes:
    """The hash of one leaf's data, 32 bytes: SHA-256(0x00 || data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node, 32 bytes: SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes in their order, 32 bytes; of no leaves, SHA-256 of nothing."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    level = list(leaves)
    while len(level) > 1:
        # A last node without a neighbour goes up as it is: the same tree as the RFC's split at powers of two.
        paired = [node_hash(level[place], level[place + 1]) for place in range(0, len(level) - 1, 2)]
        level = paired + level[len(level) & ~1 :]
    return level[0]


def inclusion_path(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """The neighbours' hashes on the way from leaf `index` up to the root (section 2.1.3.1), lowest first."""
    return inclusion_paths(leaves, (index,))[0]


def inclusion_paths(leaves: Sequence[bytes], indexes: Sequence[int]) -> list[tuple[bytes, ...]]:
    """The inclusion path of each of these leaves, in their order: the tree is hashed once for all of them."""
    for index in indexes:
        if not 0 <= index < len(leaves):
            raise IndexError(f"there is no leaf {index} among {len(leaves)}")
    paths: list[list[bytes]] = [[] for _ in indexes]
    places = list(indexes)
    level = list(leaves)
    while len(level) > 1:
        for at, path in enumerate(paths):
            neighbour = places[at] ^ 1
            if neighbour < len(level):
                path.append(level[neighbour])
            places[at] //= 2
        paired = [node_hash(level[place], level[place + 1]) for place in range(0, len(level) - 1, 2)]
        level = paired + level[len(level) & ~1 :]
    return [tuple(path) for path in paths]


def root_by_path(leaf: bytes, index: int, count: int, path: Sequence[bytes]) -> bytes:
    """The root that a leaf hash, its index among `count` leaves, and its path lead to (section 2.1.3.2).

    Raises ValueError if the path has another length than that place in such a tree has.
    """
    if not 0 <= index < count:
        raise ValueError(f"there is no leaf {index} among {count}")
    found, last, left = leaf, count - 1, list(path)
    while last > 0:
        if index % 2 == 1 or index < last:
            if not left:
                raise ValueError("the inclusion path is too short")
            neighbour = left.pop(0)
            found = node_hash(neighbour, found) if index % 2 == 1 else node_hash(found, neighbour)
        index, last = index // 2, last // 2
    if left:
        raise ValueError("the inclusion path is too long")
    return found
