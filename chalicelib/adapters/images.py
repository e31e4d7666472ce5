"""Pictures from files, by Pillow: decoded within bounds, turned, brought to sRGB, written anew.

What comes out holds pixels and nothing else of the file: no EXIF with its place, no comment, no
profile, no second file behind the image's end. Pillow is loaded by the function that makes
pictures and by no page (a test holds that).
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from chalicelib.domain import image_header
from chalicelib.domain.asset import (
    MAX_ANIMATION,
    MAX_BYTES,
    MAX_FRAME_PIXELS,
    MAX_FRAMES,
    MAX_PIXELS,
    MAX_SIDE,
    MIN_SIDE,
    Box,
    Kind,
    Picture,
)
from chalicelib.domain.errors import Problem, Refused

if TYPE_CHECKING:
    from PIL.Image import Image

QUALITY = 85
OPTIMISED = 1_000_000
"""Pixels up to which a PNG is written with all that zlib can do; beyond, that costs seconds for a few percent."""
LARGE_PNG = 400_000
"""Bytes from which on an opaque PNG is tried as a JPEG: it is then a photograph most of the time."""


class PillowImages:
    """See ``ports.assets.Images``."""

    def made(self, data: bytes) -> Picture:
        """Judged by header, decoded by the one decoder of its format, encoded anew."""
        source = _judged(data)
        image = _opened(data, source)
        try:
            # A camera's JPEG may carry a preview or a gain map behind the picture, which Pillow counts as frames.
            animated = source != "jpeg" and bool(getattr(image, "is_animated", False))
            if animated and source != "gif":
                raise _refused("image.animated_format", format=source.upper())
            return _animation(image) if animated else _still(image, source, len(data))
        except Refused:
            raise
        except Exception:
            # Decoders raise whatever they like on a damaged or hostile file; nothing was stored yet.
            raise _refused("image.damaged") from None

    def cut(self, data: bytes, box: Box, width: int) -> Picture:
        """From our own bytes, which are whole; never enlarged."""
        source = image_header.format_of(data)
        image = _opened(data, source)
        if getattr(image, "is_animated", False):
            raise _refused("image.animated_cut")
        image.load()
        part = image.crop((box.left, box.top, box.left + box.width, box.top + box.height))
        if part.width > width:
            part = part.resize((width, max(1, round(part.height * width / part.width))))
        return _encoded(_plain(part), source, len(data))


def _refused(code: str, **params: str | int) -> Refused:
    return Refused([Problem(code, "file", params)])


def _judged(data: bytes) -> str:
    """The file's format; raises Refused for what is none of ours or promises too much."""
    if len(data) > MAX_BYTES:
        raise _refused("image.too_big", megabytes=MAX_BYTES // 1_000_000)
    source = image_header.format_of(data)
    if source not in image_header.DECODED:
        raise _refused(f"image.is_{source}" if source else "image.not_an_image")
    _sized(image_header.size_of(source, data))
    if source == "jpeg" and (scans := image_header.scans_of(data)) > image_header.MAX_SCANS:
        raise _refused("image.too_many_scans", scans=scans, limit=image_header.MAX_SCANS)
    if source == "gif" and (frames := image_header.frames_of(data)) > MAX_FRAMES:
        raise _refused("image.too_many_frames", frames=frames, limit=MAX_FRAMES)
    if source == "gif" and image_header.outgrown(data):
        raise _refused("image.damaged")
    return source


def _sized(size: tuple[int, int] | None) -> None:
    if size is None:
        return
    width, height = size
    if width * height > MAX_PIXELS:
        raise _refused("image.too_many_pixels", width=width, height=height, megapixels=MAX_PIXELS // 1_000_000)
    if min(size) < MIN_SIDE:
        raise _refused("image.too_small", width=width, height=height, limit=MIN_SIDE)


def _opened(data: bytes, source: str) -> Image:
    """Its header read by Pillow, by the decoder of its format alone; raises Refused."""
    import warnings

    from PIL import Image

    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    try:
        with warnings.catch_warnings():
            # What is damaged is told by a refusal, and a warning about its tags helps nobody.
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=[source])
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _refused("image.too_many_pixels", width="?", height="?", megapixels=MAX_PIXELS // 1_000_000) from None
    except Exception:
        raise _refused("image.damaged") from None
    _sized(image.size)
    return image


def _still(image: Image, source: str, size: int) -> Picture:
    from PIL import Image as module
    from PIL import ImageOps

    # A JPEG is decoded at a half, a quarter or an eighth at once where that is enough.
    image.draft(None, (MAX_SIDE, MAX_SIDE))
    image.load()
    try:
        image = ImageOps.exif_transpose(image)
    except Exception:
        image.info.pop("exif", None)  # what cannot be read cannot say how the picture is to be turned
    image = _plain(_in_srgb(image))
    image.thumbnail((MAX_SIDE, MAX_SIDE), module.Resampling.LANCZOS)
    return _encoded(image, source, size)


def _in_srgb(image: Image) -> Image:
    """Colours as a browser shows them without a profile (sRGB, IEC 61966-2-1); a bad profile is left out."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("RGB", "RGBA", "CMYK", "L"):
        return image
    from PIL import ImageCms

    try:
        own, srgb = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
        made = ImageCms.profileToProfile(image, own, srgb, outputMode="RGBA" if image.mode == "RGBA" else "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image
    return made or image


def _plain(image: Image) -> Image:
    """The pixels alone, eight bits a channel, as RGB or, where something shows through, as RGBA."""
    if image.mode.startswith("I"):
        image = _eight_bits(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        alpha: Any = image.getchannel("A").getextrema()
        if alpha[0] == 255:
            image = image.convert("RGB")
    elif image.mode != "RGB":
        image = image.convert("RGB")
    image.info.clear()
    return image


def _eight_bits(image: Image) -> Image:
    """Greys of sixteen bits: the upper eight (a plain conversion would cut everything bright)."""
    return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")


def _encoded(image: Image, source: str, size: int) -> Picture:
    """PNG where something shows through or the source was one, else JPEG; a photograph as PNG becomes a JPEG.

    ``size`` are the bytes of the source. A large PNG is not tried first: it takes seconds to write.
    """
    clear, lossless = image.mode == "RGBA", source in ("png", "gif")
    data, kind = b"", Kind.JPEG
    if not clear and (not lossless or size > LARGE_PNG):
        data = _jpeg(image)
    if clear or (lossless and (not data or len(data) > size // 2)):
        data, kind = _png(image), Kind.PNG
    return Picture(data, kind, image.width, image.height, 1, fingerprint(image), source)


def _png(image: Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", optimize=image.width * image.height < OPTIMISED)
    return out.getvalue()


def _jpeg(image: Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return out.getvalue()


def _animation(image: Image) -> Picture:
    """An animated GIF, frame by frame; refused with its numbers where it is more than a mail should carry."""
    frames = int(getattr(image, "n_frames", 1))
    if frames > MAX_FRAMES or frames * image.width * image.height > MAX_FRAME_PIXELS or max(image.size) > MAX_SIDE:
        raise _refused("image.animation_large", frames=frames, width=image.width, height=image.height,
                       limit=MAX_FRAMES, side=MAX_SIDE)
    lengths, loop = [], image.info.get("loop")
    for number in range(frames):
        _seek(image, number)
        lengths.append(int(image.info.get("duration", 100)))
    shown = _frames(image, frames)
    first = next(shown)
    out = io.BytesIO()
    options: dict[str, Any] = {} if loop is None else {"loop": loop}
    first.save(out, "GIF", save_all=True, append_images=shown, duration=lengths,
               disposal=2 if first.mode == "RGBA" else 0, **options)
    made = out.getvalue()
    if len(made) > MAX_ANIMATION:
        raise _refused("image.animation_heavy", kilobytes=len(made) // 1000, limit=MAX_ANIMATION // 1000, frames=frames)
    return Picture(made, Kind.GIF, first.width, first.height, frames, fingerprint(first), "gif")


def _seek(image: Image, number: int) -> None:
    """On to a frame; refused, before it is decoded, where it enlarges the canvas that the limits were held against."""
    size = image.size
    image.seek(number)
    if image.size != size:
        raise _refused("image.damaged")


def _frames(image: Image, count: int) -> Iterator[Image]:
    """Each frame as it is seen, one at a time in memory."""
    for number in range(count):
        _seek(image, number)
        frame = image.convert("RGBA" if image.has_transparency_data else "RGB")
        frame.info.clear()
        yield frame


def fingerprint(image: Image) -> str:
    """The dHash (Krawetz 2013): 64 bits, each whether a point is brighter than its right neighbour; "" if all are even.

    Scaling, another quality or a little retouching change few of them.
    """
    from PIL import Image as module

    if image.mode == "RGBA":
        ground = module.new("RGBA", image.size, "white")
        image = module.alpha_composite(ground, image)
    grey = image.convert("L").resize((9, 8), module.Resampling.LANCZOS).tobytes()
    bits = 0
    for row in range(8):
        for column in range(8):
            bits = bits << 1 | (grey[row * 9 + column] > grey[row * 9 + column + 1])
    return f"{bits:016x}" if bits else ""
