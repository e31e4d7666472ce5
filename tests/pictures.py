"""Image files for tests, good and bad, made on the spot."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from PIL import Image

ACME = b"taken at 47.99 N 7.85 E by Anna"


def file(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """An image as a file."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    """A file as pixels."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def scene(width: int = 600, height: int = 400, *, seed: int = 1) -> Image.Image:
    """Something with light, dark and edges: two scenes of different seeds are not alike."""
    small = Image.new("RGB", (9, 8))
    small.putdata([((n * 37 * seed) % 256, (n * n * 11 * seed) % 256, (n * 71 + seed * 50) % 256) for n in range(72)])
    return small.resize((width, height), Image.Resampling.BICUBIC)


def photo(width: int = 600, height: int = 400, *, seed: int = 1, **options: Any) -> bytes:
    """A scene as a JPEG."""
    return file(scene(width, height, seed=seed), "JPEG", quality=90, **options)


def with_place() -> bytes:
    """A JPEG with GPS, a maker's words, a comment, and turned by its orientation: stored 60 wide, seen 40 wide."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = ACME.decode()
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2] = "N", (47.0, 59.0, 24.0)
    image = Image.new("RGB", (60, 40), "white")
    image.paste((255, 0, 0), (0, 0, 30, 20))
    return file(image, "JPEG", quality=95, exif=exif, comment=ACME)


def animation(frames: int = 10, width: int = 60, height: int = 40, **options: Any) -> bytes:
    """An animated GIF."""
    pictures = [Image.new("RGB", (width, height), (n * 5 % 256, 40, 90)) for n in range(frames)]
    return file(pictures[0], "GIF", save_all=True, append_images=pictures[1:], duration=80, loop=0, **options)


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(width: int, height: int) -> bytes:
    """A PNG whose header promises this size, and which holds next to nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\x00" * 1000))
            + chunk(b"IEND", b""))


def gif_of(frames: int) -> bytes:
    """A GIF of one pixel with so many frames, in the fewest bytes."""
    head = b"GIF89a" + struct.pack("<HHBBB", 16, 16, 0x80, 0, 0) + b"\x00\x00\x00\xff\xff\xff"
    one = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return head + one * frames + b"\x3b"


SVG = (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">'
       b"<script>alert(1)</script></svg>")
POLYGLOT = b"<script>alert(1)</script><?php system('id');"
