"""Makes a screenshot's PNG small enough for a repository: at most 256 colours, the rare ones by their nearest.

Reads only what Chromium writes: 8 bits a channel, RGB or RGBA, not interlaced.
"""

import struct
import zlib
from collections import Counter
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOURS = 256
_CHANNELS = {2: 3, 6: 4}


def smaller(data: bytes) -> bytes:
    """The same picture with a palette. Raises KeyError for a kind of PNG that it cannot read."""
    chunks = list(_chunks(data))
    width, height, _, kind = struct.unpack(">IIBB", chunks[0][1][:10])
    channels = _CHANNELS[kind]
    raw = zlib.decompress(b"".join(body for name, body in chunks if name == b"IDAT"))
    rows = list(_unfiltered(raw, height, width * channels, channels))
    pixels = [[row[at : at + 3] for at in range(0, len(row), channels)] for row in rows]
    counted = Counter(pixel for row in pixels for pixel in row)
    palette = [colour for colour, _ in counted.most_common(COLOURS)]
    index = {colour: number for number, colour in enumerate(palette)}
    for colour in counted:
        if colour not in index:
            index[colour] = index[min(palette, key=lambda known, rare=colour: _distance(known, rare))]  # type: ignore[misc]
    lines = b"".join(b"\0" + bytes(index[pixel] for pixel in row) for row in pixels)
    return SIGNATURE + b"".join(
        _chunk(name, body)
        for name, body in (
            (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            (b"PLTE", b"".join(palette)),
            (b"IDAT", zlib.compress(lines, 9)),
            (b"IEND", b""),
        )
    )


def _distance(one: bytes, other: bytes) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        at += 12 + length


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _unfiltered(raw: bytes, height: int, stride: int, step: int) -> Iterator[bytes]:
    """The rows as they were before PNG's filters: each byte was written as its difference from its neighbours."""
    above = bytes(stride)
    for start in range(0, height * (stride + 1), stride + 1):
        kind, line = raw[start], bytearray(raw[start + 1 : start + 1 + stride])
        for at in range(stride if kind else 0):
            left, corner = (line[at - step], above[at - step]) if at >= step else (0, 0)
            line[at] = (line[at] + _predicted(kind, left, above[at], corner)) & 255
        above = bytes(line)
        yield above


def _predicted(kind: int, left: int, up: int, corner: int) -> int:
    """PNG's filters 1 to 4: left, up, their mean, or Paeth's choice of the nearest to left + up - corner."""
    match kind:
        case 1:
            return left
        case 2:
            return up
        case 3:
            return (left + up) // 2
    guess = left + up - corner
    return min((left, up, corner), key=lambda near: abs(guess - near))
