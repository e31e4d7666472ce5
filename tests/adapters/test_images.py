"""Pictures from files: what is kept is pixels of our own, and nothing hostile costs more than its bytes."""

from __future__ import annotations

import hashlib
import io
import struct
import subprocess
import sys

import pytest
from PIL import Image, ImageCms

from chalicelib.adapters.images import PillowImages
from chalicelib.domain import image_header
from chalicelib.domain.asset import MAX_ANIMATION, MAX_BYTES, MAX_FRAMES, MAX_SIDE, Box, Kind
from chalicelib.domain.errors import Refused
from tests import pictures

IMAGES = PillowImages()


def noise_of(seed: int, count: int) -> bytes:
    """Bytes without a pattern, the same in every run."""
    return hashlib.shake_256(str(seed).encode()).digest(count)


def code_of(data: bytes) -> str:
    """Why a file is refused."""
    with pytest.raises(Refused) as refused:
        IMAGES.made(data)
    return refused.value.problems[0].code


@pytest.mark.parametrize(("kind", "kept"), [
    ("JPEG", Kind.JPEG), ("PNG", Kind.PNG), ("GIF", Kind.PNG), ("WEBP", Kind.JPEG), ("AVIF", Kind.JPEG),
])
def test_formats(kind: str, kept: Kind) -> None:
    """What mail programs do not show becomes what they do; size, format and fingerprint are told."""
    made = IMAGES.made(pictures.file(pictures.scene(120, 80), kind))
    seen = pictures.opened(made.data)
    assert (made.kind, made.width, made.height, made.frames, made.source) == (kept, 120, 80, 1, kind.lower())
    assert (seen.format, seen.size) == (kept.name, (120, 80))
    assert len(made.fingerprint) == 16


def test_what_shows_through_stays_so() -> None:
    """Transparency of a WebP and of a palette is kept as PNG; one that nothing shows through needs none."""
    clear = Image.new("RGBA", (40, 30), (200, 10, 10, 90))
    for kind in ("WEBP", "PNG"):
        made = IMAGES.made(pictures.file(clear, kind, lossless=True))
        assert made.kind is Kind.PNG
        assert pictures.opened(made.data).getpixel((5, 5)) == (200, 10, 10, 90)
    palette = Image.new("P", (40, 30), 0)
    made = IMAGES.made(pictures.file(palette, "PNG", transparency=0))
    assert pictures.opened(made.data).mode == "RGBA"
    opaque = IMAGES.made(pictures.file(Image.new("RGBA", (40, 30), (1, 2, 3, 255)), "WEBP"))
    assert opaque.kind is Kind.JPEG


def test_nothing_of_the_file_but_its_pixels() -> None:
    """EXIF with its place, words and a comment are gone; the picture is turned as it was to be seen."""
    file = pictures.with_place()
    assert pictures.ACME in file
    made = IMAGES.made(file)
    seen = pictures.opened(made.data)
    assert (made.width, made.height) == (40, 60)
    red = seen.getpixel((35, 5))
    assert isinstance(red, tuple) and red[0] > 200 and red[1] < 80, "the red corner is on the right now"
    assert not dict(seen.getexif()) and not seen.info.get("comment") and "exif" not in seen.info
    assert pictures.ACME not in made.data and b"Exif" not in made.data


def test_text_chunks_of_a_png_are_gone() -> None:
    """A PNG's words and dates are not kept."""
    file = pictures.file(pictures.scene(60, 40)).replace(b"IDAT", b"IDAT", 1)
    head, rest = file[:33], file[33:]
    made = IMAGES.made(head + pictures.chunk(b"tEXt", b"Comment\x00" + pictures.ACME) + rest)
    assert pictures.ACME not in made.data and b"tEXt" not in made.data


def test_colours_are_srgb() -> None:
    """A picture in another colour space is converted by its profile, and the profile is gone."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"....").replace(b"gXYZ", b"rXYZ").replace(b"....", b"gXYZ")
    made = IMAGES.made(pictures.file(Image.new("RGB", (30, 30), (200, 40, 40)), "PNG", icc_profile=swapped))
    seen = pictures.opened(made.data)
    assert "icc_profile" not in seen.info and b"iCCP" not in made.data
    pixel = seen.getpixel((3, 3))
    assert isinstance(pixel, tuple) and abs(pixel[0] - 40) < 3 and abs(pixel[1] - 200) < 3, "red is called green here"
    bad = IMAGES.made(pictures.file(Image.new("RGB", (30, 30), (200, 40, 40)), "PNG", icc_profile=b"no profile"))
    assert pictures.opened(bad.data).getpixel((3, 3)) == (200, 40, 40)


def test_printers_and_scanners() -> None:
    """CMYK becomes RGB, sixteen bits become eight without losing what is bright, one bit becomes RGB."""
    red = IMAGES.made(pictures.file(Image.new("CMYK", (50, 40), (0, 255, 255, 0)), "JPEG"))
    pixel = pictures.opened(red.data).getpixel((3, 3))
    assert isinstance(pixel, tuple) and pixel[0] > 240 and pixel[1] < 15
    for level, shown in ((0, 0), (32_768, 128), (65_535, 255)):
        grey = IMAGES.made(pictures.file(Image.new("I;16", (32, 32), level), "PNG"))
        assert pictures.opened(grey.data).getpixel((3, 3)) == (shown,) * 3
    bits = IMAGES.made(pictures.file(Image.new("1", (32, 32), 1), "PNG"))
    assert pictures.opened(bits.data).getpixel((3, 3)) == (255,) * 3


def test_large_ones_are_made_smaller() -> None:
    """What no screen shows is not kept; a photograph as PNG becomes a JPEG."""
    made = IMAGES.made(pictures.photo(4_000, 1_000))
    assert (made.width, made.height) == (MAX_SIDE, 500)
    grain = Image.frombytes("RGB", (500, 400), noise_of(4, 600_000))
    assert IMAGES.made(pictures.file(grain)).kind is Kind.JPEG


@pytest.mark.parametrize(("data", "code"), [
    (b"Dear customers, this is no picture at all.", "image.not_an_image"), (b"\x00" * 500, "image.not_an_image"),
    (b"MZ" + bytes(200), "image.not_an_image"), (pictures.SVG, "image.is_svg"),
    (b"\xef\xbb\xbf<!-- x --><SVG onload='x()'/>", "image.is_svg"), (b"%PDF-1.7\n" + bytes(90), "image.is_pdf"),
    (b"\x00\x00\x00\x18ftypheic" + bytes(90), "image.is_heic"), (b"II*\x00" + bytes(90), "image.is_tiff"),
    (b"8BPS" + bytes(90), "image.is_psd"), (b"BM" + bytes(90), "image.is_bmp"),
    (pictures.png_of(50_000, 50_000), "image.too_many_pixels"),
    (pictures.png_of(2**31, 2**31), "image.too_many_pixels"), (pictures.png_of(500, 500), "image.damaged"),
    (pictures.png_of(0, 100), "image.too_small"),
    (pictures.gif_of(10_000), "image.too_many_frames"), (bytes(MAX_BYTES * 2), "image.too_big"),
    (b"\x89PNG\r\n\x1a\n", "image.damaged"), (b"\xff\xd8\xff", "image.damaged"), (b"GIF89a", "image.damaged"),
    (b"RIFF\x00\x00\x00\x00WEBP", "image.damaged"), (b"\x00\x00\x00\x18ftypavif" + bytes(90), "image.damaged"),
    (pictures.photo(5, 5), "image.too_small"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_refused(data: bytes, code: str) -> None:
    """Each kind of bad file has a sentence of its own."""
    assert code_of(data) == code


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "AVIF"])
def test_truncated(kind: str) -> None:
    """A file that ends in its middle is refused, however much of it is there."""
    file = pictures.file(pictures.scene(300, 200), kind)
    for part in (0.05, 0.5, 0.9):
        with pytest.raises(Refused):
            IMAGES.made(file[:int(len(file) * part)])


def test_no_byte_of_a_second_file_survives() -> None:
    """A picture that is a page, a program or an archive as well is only a picture afterwards."""
    for kind in ("JPEG", "PNG", "GIF", "WEBP"):
        made = IMAGES.made(pictures.file(pictures.scene(90, 60), kind) + pictures.POLYGLOT)
        assert b"<script" not in made.data and b"<?php" not in made.data
    assert b"<script" not in IMAGES.made(pictures.animation(4, comment=pictures.POLYGLOT)).data


def test_a_jpeg_of_a_thousand_scans() -> None:
    """A progressive JPEG may cost a pass over the picture for each scan; too many are refused unread."""
    assert code_of(pictures.photo(200, 100) + b"\xff\xda" * 200) == "image.too_many_scans"


def test_a_bomb_costs_no_memory() -> None:
    """A header that promises 7.5 gigabytes is refused before anything is reserved, in a process of its own."""
    script = (
        "from chalicelib.adapters.images import PillowImages\n"
        "from chalicelib.domain.errors import Refused\n"
        "from tests import memory, pictures\n"
        "for data in (pictures.png_of(50_000, 50_000), pictures.gif_of(10_000), pictures.png_of(5_400, 5_500)):\n"
        "    try: PillowImages().made(data)\n"
        "    except Refused as refused: print(refused.problems[0].code)\n"
        "print(memory.peak() // 1024)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    *codes, megabytes = done.stdout.split()
    assert codes == ["image.too_many_pixels", "image.too_many_frames", "image.damaged"]
    assert int(megabytes) < 250


def test_the_promised_size_is_told() -> None:
    """It is read from the header, before any decoder is asked."""
    with pytest.raises(Refused) as caught:
        IMAGES.made(pictures.png_of(50_000, 40_000))
    assert (caught.value.problems[0].params["width"], caught.value.problems[0].params["height"]) == (50_000, 40_000)


def test_the_largest_file_stays_within_the_function() -> None:
    """A photograph at the limit of pixels is made in well under the function's gigabyte."""
    made = IMAGES.made(pictures.file(pictures.scene(6_000, 4_900), "JPEG", progressive=True))
    assert (made.width, made.height) == (2_000, 1_633)


def test_an_animation() -> None:
    """It stays one, with its frames, lengths and loop; its words are gone."""
    made = IMAGES.made(pictures.animation(12, comment=pictures.ACME))
    seen = pictures.opened(made.data)
    assert (made.kind, made.frames, seen.info["loop"], seen.info["duration"]) == (Kind.GIF, 12, 0, 80)
    assert getattr(seen, "n_frames", 0) == 12
    assert pictures.ACME not in made.data


def test_an_animation_that_is_too_much() -> None:
    """Frames, pixels and bytes are bounded, and the refusal has the numbers; another format's is refused."""
    assert code_of(pictures.animation(MAX_FRAMES + 1)) == "image.too_many_frames"
    assert code_of(pictures.animation(4, MAX_SIDE + 1, 20)) == "image.animation_large"
    noise = [Image.frombytes("L", (300, 300), noise_of(n, 90_000)) for n in range(16)]
    heavy = pictures.file(noise[0], "GIF", save_all=True, append_images=noise[1:])
    with pytest.raises(Refused) as refused:
        IMAGES.made(heavy)
    problem = refused.value.problems[0]
    assert problem.code == "image.animation_heavy" and int(problem.params["kilobytes"]) > MAX_ANIMATION // 1000
    frames = [pictures.scene(50, 40, seed=n) for n in (1, 2)]
    assert code_of(pictures.file(frames[0], "WEBP", save_all=True, append_images=frames[1:])) == "image.animated_format"
    assert code_of(pictures.file(frames[0], "PNG", save_all=True, append_images=frames[1:])) == "image.animated_format"


def gif_with(width: int, height: int, *, left: int = 0, top: int = 0, before: bytes = b"") -> bytes:
    """A GIF of 16 by 16 points whose second picture has this size and place, and these bytes in front of it."""
    head, tail = pictures.gif_of(1)[:-1], b"\x02\x02\x44\x01\x00\x3b"
    return head + before + b"\x2c" + struct.pack("<HHHHB", left, top, width, height, 0) + tail


@pytest.mark.parametrize("data", [
    gif_with(3_000, 3_000), gif_with(5_400, 5_400), gif_with(17, 16), gif_with(16, 17), gif_with(1, 1, left=16),
    gif_with(8, 8, top=9), gif_with(65_535, 65_535, left=65_535), gif_with(3_000, 3_000, before=b"\x00\x07"),
    gif_with(3_000, 3_000, before=b"!\xfe\x02hi\x00"),
], ids=range(9))
def test_a_later_picture_beyond_the_canvas(data: bytes) -> None:
    """The limits are held against the canvas, so no picture of a GIF may reach beyond it."""
    assert image_header.outgrown(data) and image_header.frames_of(data) == 2
    assert code_of(data) == "image.damaged"


def test_pictures_within_the_canvas() -> None:
    """A picture that ends where the canvas does is within it, and one smaller than the canvas is an animation's."""
    assert not image_header.outgrown(gif_with(16, 16)) and not image_header.outgrown(gif_with(6, 4, left=10, top=12))
    assert not image_header.outgrown(b"GIF89a")
    moving = [Image.new("RGB", (60, 40), "white") for _ in range(3)]
    for number, frame in enumerate(moving):
        frame.paste((200, 0, 0), (50, 10 * number, 60, 10 * number + 20))
    file = pictures.file(moving[0], "GIF", save_all=True, append_images=moving[1:])
    made = IMAGES.made(file + b"behind the end, no block")
    assert (made.frames, made.width, made.height) == (3, 60, 40)


def test_a_picture_that_only_the_decoder_sees() -> None:
    """Where Pillow reads the blocks otherwise, and enlarges the canvas at a later picture, it is stopped there."""
    whole = pictures.file(Image.new("L", (300, 300)), "GIF")
    frame = whole[whole.index(b"\x2c" + struct.pack("<HHHH", 0, 0, 300, 300)):]
    assert code_of(pictures.gif_of(1)[:-1] + frame) == "image.damaged"
    hidden = pictures.gif_of(1)[:-1] + b"!\x01\x00;" + b"." * 59 + b"\x00" + frame
    assert image_header.frames_of(hidden) == 1 and not image_header.outgrown(hidden)
    seen = Image.open(io.BytesIO(hidden))
    seen.seek(1)
    seen.load()
    assert seen.size == (300, 300), "Pillow reads this otherwise now: the test needs another file"
    assert code_of(hidden) == "image.damaged"


@pytest.mark.parametrize("end", [b"!", b",", b",\x00\x00", b"!\xf9\x01"])
def test_a_gif_that_ends_in_a_later_block(end: bytes) -> None:
    """What Pillow raises while it looks for a second picture is a refusal or no matter, never an error."""
    try:
        made = IMAGES.made(pictures.file(pictures.scene(60, 40), "GIF")[:-1] + end)
    except Refused as refused:
        assert refused.problems[0].code == "image.damaged"
    else:
        assert (made.frames, made.width, made.height) == (1, 60, 40)


def test_a_photograph_with_a_second_picture() -> None:
    """Cameras and phones put a preview or a gain map behind the picture (MPF): the first is taken, the rest is gone."""
    exif = Image.Exif()
    exif[0x0112] = 6
    preview = Image.new("RGB", (64, 48), (250, 0, 0))
    for width, height in ((120, 80), (4_000, 2_400)):
        photo = pictures.scene(width, height)
        file = pictures.file(photo, "MPO", save_all=True, append_images=[preview], exif=exif, quality=90)
        assert b"MPF\x00" in file and getattr(Image.open(io.BytesIO(file)), "n_frames", 0) == 2
        made = IMAGES.made(file)
        side = min(1, MAX_SIDE / width)
        assert (made.kind, made.source, made.frames) == (Kind.JPEG, "jpeg", 1)
        assert (made.width, made.height) == (height * side, width * side), "turned as it was to be seen"
        assert b"MPF\x00" not in made.data and made.data.count(b"\xff\xd8\xff") == 1
        turned = pictures.file(photo.transpose(Image.Transpose.ROTATE_270))
        assert distance(made.fingerprint, IMAGES.made(turned).fingerprint) <= 6, "the picture, not its preview"


def test_one_identity() -> None:
    """The same file gives the same bytes each time, whatever metadata it carries."""
    first, again = (hashlib.sha256(IMAGES.made(pictures.photo()).data).hexdigest() for _ in range(2))
    noted = IMAGES.made(pictures.photo(comment=b"another day"))
    assert first == again == hashlib.sha256(noted.data).hexdigest()


def distance(first: str, second: str) -> int:
    """In how many bits two fingerprints differ."""
    return (int(first, 16) ^ int(second, 16)).bit_count()


def test_near_copies() -> None:
    """Another size, quality or format changes few bits of the fingerprint; another picture changes many."""
    here = IMAGES.made(pictures.photo()).fingerprint
    for near in (pictures.photo(300, 200), pictures.file(pictures.scene(), "WEBP", quality=20),
                 pictures.file(pictures.scene().point(lambda v: v * 0.9), "PNG")):
        assert distance(here, IMAGES.made(near).fingerprint) <= 6
    assert distance(here, IMAGES.made(pictures.photo(seed=3)).fingerprint) > 12
    assert IMAGES.made(pictures.file(Image.new("RGB", (50, 50), "white"))).fingerprint == ""


def test_a_cut() -> None:
    """The box and nothing else, at most as wide as asked, in the picture's own format; never enlarged."""
    image = Image.new("RGB", (200, 100), "white")
    image.paste((255, 0, 0), (100, 0, 200, 100))
    made = IMAGES.made(pictures.file(image))
    part = IMAGES.cut(made.data, Box(100, 0, 100, 100), 50)
    assert (part.kind, part.width, part.height) == (Kind.PNG, 50, 50)
    assert pictures.opened(part.data).getpixel((0, 0)) == (255, 0, 0)
    assert IMAGES.cut(made.data, Box(0, 0, 100, 100), 5_000).width == 100
    with pytest.raises(Refused, match=r"image\.animated_cut"):
        IMAGES.cut(IMAGES.made(pictures.animation()).data, Box(0, 0, 10, 10), 10)


def test_noise_ends_in_a_refusal_or_a_picture() -> None:
    """Flipped bytes anywhere in a file never raise anything else."""
    for kind in ("JPEG", "PNG", "GIF", "WEBP"):
        file = pictures.file(pictures.scene(64, 48), kind)
        for number in range(60):
            broken, drawn = bytearray(file), noise_of(number, 30)
            for start in range(0, 5 * (1 + number % 6), 5):
                place = int.from_bytes(drawn[start:start + 4], "big")
                broken[place % len(broken)] = drawn[start + 4]
            try:
                made = IMAGES.made(bytes(broken))
            except Refused:
                continue
            assert Image.open(io.BytesIO(made.data)).size == (made.width, made.height)


@pytest.mark.parametrize("kind", ["jpeg", "png", "gif", "webp"])
def test_headers(kind: str) -> None:
    """The size in the header is the decoder's; a header cut short has none."""
    file = pictures.file(pictures.scene(123, 77), kind)
    assert image_header.format_of(file) == kind
    assert image_header.size_of(kind, file) == (123, 77)
    for end in range(12, 20):
        assert image_header.size_of(kind, file[:end]) in (None, (123, 77))
    lossless = pictures.file(pictures.scene(123, 77), "WEBP", lossless=True)
    assert image_header.size_of("webp", lossless) == (123, 77)
    wide = pictures.file(Image.new("RGBA", (123, 77), (9, 9, 9, 9)), "WEBP", exif=b"Exif\x00\x00")
    assert image_header.size_of("webp", wide) == (123, 77)


def test_a_gif_of_comments() -> None:
    """A decoder joins comments one by one; a million of them is no picture, a few are."""
    head = b"GIF89a" + struct.pack("<HH", 10, 10) + b"\x00\x00\x00"
    picture = b"," + struct.pack("<HHHH", 0, 0, 10, 10) + b"\x00\x02\x00"
    for number, outgrown in ((image_header.MAX_EXTENSIONS, False), (image_header.MAX_EXTENSIONS + 1, True)):
        assert image_header.outgrown(head + b"!\xfe\x00" * number + picture + b";") is outgrown
    with pytest.raises(Refused, match=r"image\.damaged"):
        PillowImages().made(head + b"!\xfe\x00" * 1_000_000 + picture + b";")
