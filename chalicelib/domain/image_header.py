"""What a file is by its first bytes, and how large, before any decoder sees it.

A decoder allocates what a header promises, so a header is read here first (CWE-409). The formats: PNG
(RFC 2083, 4.1.1), GIF89a, JPEG (ITU-T T.81, B.2.2), WebP (RFC 9649), the rest by their marks only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

DECODED = ("jpeg", "png", "gif", "webp", "avif")
"""The formats that are read; each of the others has a sentence of its own."""
_SVG: re.Pattern[bytes] = re.compile(rb"<svg[\s>]|<!DOCTYPE\s+svg", re.IGNORECASE)
_HEIF = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
_MARKS: tuple[tuple[str, Callable[[bytes], bool]], ...] = (
    ("jpeg", lambda d: d.startswith(b"\xff\xd8\xff")),
    ("png", lambda d: d.startswith(b"\x89PNG\r\n\x1a\n")),
    ("gif", lambda d: d.startswith((b"GIF87a", b"GIF89a"))),
    ("webp", lambda d: d[:4] == b"RIFF" and d[8:12] == b"WEBP"),
    ("avif", lambda d: d[4:8] == b"ftyp" and d[8:12] in (b"avif", b"avis")),
    ("heic", lambda d: d[4:8] == b"ftyp" and d[8:12] in _HEIF),
    ("tiff", lambda d: d.startswith((b"II*\x00", b"MM\x00*"))),
    ("bmp", lambda d: d.startswith(b"BM") and d[6:10] == b"\x00\x00\x00\x00"),
    ("psd", lambda d: d.startswith(b"8BPS")),
    ("pdf", lambda d: b"%PDF-" in d[:1024]),
    ("svg", lambda d: bool(_SVG.search(d[:4096]))),
)
MAX_EXTENSIONS = 5_000
"""Of a GIF: each picture has one or two of them."""
_GIF_BLOCK: re.Pattern[bytes] = re.compile(rb"[,!;]")
"""What begins a block of a GIF: a picture, an extension, the end (GIF89a, appendix A)."""
_SIZED = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""The markers of JPEG that begin a frame, and so tell its size."""
MAX_SCANS = 100
"""Scans of a progressive JPEG; each costs the decoder a pass over the whole picture, a camera makes ten."""


def format_of(data: bytes) -> str:
    """``jpeg``, ``png``, ``gif``, ``webp``, ``avif``, or what else it is; "" for no image that we know."""
    return next((name for name, fits in _MARKS if fits(data)), "")


def size_of(kind: str, data: bytes) -> tuple[int, int] | None:
    """(width, height) that the header promises; None where it is not there or of a format that is not read here."""
    read = _SIZES.get(kind)
    try:
        return read(data) if read else None
    except IndexError:
        return None


def scans_of(data: bytes) -> int:
    """How many scans a JPEG has at most: in its coded data the marker cannot stand by chance (T.81, B.1.1.5)."""
    return data.count(b"\xff\xda")


def frames_of(data: bytes) -> int:
    """How many pictures a GIF holds, as far as its blocks can be followed."""
    return sum(mark == b"," for mark, _ in _gif_blocks(data))


def outgrown(data: bytes) -> bool:
    """Whether a GIF would cost a decoder more than its canvas lets expect.

    A picture that reaches beyond the canvas makes decoders enlarge it past any limit; comments in
    great number are joined one by one.
    """
    canvas = _gif(data)
    if canvas is None:
        return False
    extensions = 0
    for mark, at in _gif_blocks(data):
        if mark == b"!":
            extensions += 1
            if extensions > MAX_EXTENSIONS:
                return True
            continue
        left, top, width, height = (int.from_bytes(data[n:n + 2], "little") for n in range(at + 1, at + 9, 2))
        if left + width > canvas[0] or top + height > canvas[1]:
            return True
    return False


def _gif_blocks(data: bytes) -> Iterator[tuple[bytes, int]]:
    """Mark and place of each extension and picture of a GIF; what is no block is passed over, as decoders do."""
    position = 13 + _palette(data[10] if len(data) > 10 else 0)
    while found := _GIF_BLOCK.search(data, position):
        position, mark = found.start(), found.group()
        if mark == b"!":
            yield mark, position
            position = _blocks(data, position + 2)
        elif mark == b"," and position + 9 < len(data):
            yield mark, position
            position = _blocks(data, position + 11 + _palette(data[position + 9]))
        else:
            return


def _palette(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _blocks(data: bytes, position: int) -> int:
    """Behind a chain of sub-blocks, which ends with an empty one."""
    while position < len(data) and data[position]:
        position += data[position] + 1
    return position + 1


def _png(data: bytes) -> tuple[int, int] | None:
    if data[12:16] != b"IHDR" or len(data) < 24:
        return None
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


def _gif(data: bytes) -> tuple[int, int] | None:
    if len(data) < 10:
        return None
    return int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")


def _jpeg(data: bytes) -> tuple[int, int] | None:
    position = 2
    while position + 9 < len(data):
        if data[position] != 0xFF:
            return None
        mark = data[position + 1]
        if mark == 0xFF:
            position += 1
        elif mark in _SIZED:
            return (int.from_bytes(data[position + 7:position + 9], "big"),
                    int.from_bytes(data[position + 5:position + 7], "big"))
        elif mark == 0x01 or 0xD0 <= mark <= 0xD8:
            position += 2
        else:
            position += 2 + max(2, int.from_bytes(data[position + 2:position + 4], "big"))
    return None


def _webp(data: bytes) -> tuple[int, int] | None:
    if len(data) < 30:
        return None
    chunk = data[12:16]
    if chunk == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if chunk == b"VP8 ":
        return (int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF)
    if chunk == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return None


_SIZES: Mapping[str, Callable[[bytes], tuple[int, int] | None]] = {
    "png": _png, "gif": _gif, "jpeg": _jpeg, "webp": _webp,
}
