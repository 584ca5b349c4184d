"""Merkle trees as RFC 9162 defines them, and proofs that only the right leaf passes."""

import hashlib

import pytest

from interlock.protocol.merkle import inclusion_path, leaf_hash, node_hash, root_by_path, root_of

SIZES = [*range(1, 20), 31, 32, 33, 100]


def leaves(count: int) -> list[bytes]:
    return [leaf_hash(bytes([number])) for number in range(count)]


def by_the_rfc(hashes: list[bytes]) -> bytes:
    """Section 2.1.1, word by word: split at the largest power of two below the count."""
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while 2 * split < len(hashes):
        split *= 2
    return hashlib.sha256(b"\x01" + by_the_rfc(hashes[:split]) + by_the_rfc(hashes[split:])).digest()


@pytest.mark.parametrize("count", SIZES)
def test_the_root_is_the_rfcs(count: int) -> None:
    assert root_of(leaves(count)) == by_the_rfc(leaves(count))


def test_of_nothing_the_root_is_the_hash_of_nothing() -> None:
    assert root_of([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_leaf_cannot_pass_for_a_node() -> None:
    left, right = leaves(2)
    assert leaf_hash(left + right) != node_hash(left, right)


@pytest.mark.parametrize("count", SIZES)
def test_every_path_leads_to_the_root_from_its_own_leaf_and_place_only(count: int) -> None:
    hashes = leaves(count)
    root = root_of(hashes)
    for index in range(count):
        path = inclusion_path(hashes, index)
        assert root_by_path(hashes[index], index, count, path) == root
        assert root_by_path(leaf_hash(b"another"), index, count, path) != root
        with pytest.raises(ValueError, match="too long"):
            root_by_path(hashes[index], index, count, [*path, root])
        if path:
            with pytest.raises(ValueError, match="too short"):
                root_by_path(hashes[index], index, count, path[:-1])
        for other in range(count):
            if other != index:
                try:
                    assert root_by_path(hashes[index], other, count, path) != root
                except ValueError as error:
                    assert "too" in str(error)  # noqa: PT017 - either way it does not pass


@pytest.mark.parametrize("index", [-1, 3])
def test_there_is_no_path_for_a_leaf_that_is_not_there(index: int) -> None:
    with pytest.raises(IndexError):
        inclusion_path(leaves(3), index)
    with pytest.raises(ValueError, match="no leaf"):
        root_by_path(leaves(1)[0], index, 3, [])
