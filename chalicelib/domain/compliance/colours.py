"""Colours: read as CSS writes them, compared as eyes see them (CIEDE2000), contrasted as WCAG 2.2 says."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from functools import lru_cache

Rgb = tuple[int, int, int]
WHITE: Rgb = (255, 255, 255)
BLACK: Rgb = (0, 0, 0)
_HEX = re.compile(r"#([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})\Z")
_IN_VALUE = re.compile(r"#[0-9a-f]{3,8}\b|(?:rgb|hsl)a?\([^()]{1,60}\)|[a-z]{3,24}(?![a-z(-])")


@lru_cache(maxsize=2048)
def parse(text: str) -> tuple[Rgb, float] | None:
    """Colour and opacity of a CSS colour or an old attribute's (``eeeeee``); None for what is neither."""
    text = text.strip().lower()
    if re.fullmatch(r"[0-9a-f]{6}", text):
        text = "#" + text
    if match := _HEX.match(text):
        digits = match.group(1)
        if len(digits) < 6:
            digits = "".join(c * 2 for c in digits)
        alpha = int(digits[6:8], 16) / 255 if len(digits) == 8 else 1.0
        return (int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)), alpha
    if not text or len(text) > 64:
        return None
    import tinycss2.color3

    found = tinycss2.color3.parse_color(text)
    if found is None or isinstance(found, str):  # "currentColor" is no colour of its own
        return None
    red, green, blue = (round(255 * min(max(part, 0), 1)) for part in found[:3])
    return (red, green, blue), float(found.alpha)


@lru_cache(maxsize=2048)
def within(value: str) -> tuple[tuple[Rgb, float], ...]:
    """Every colour in a property's value (``1px solid red``); ``url(...)`` is left out."""
    value = re.sub(r"url\([^)]*\)?", " ", value.lower())
    found = (parse(match.group()) for match in _IN_VALUE.finditer(value[:2_000]))
    return tuple(one for one in found if one is not None)


def over(colour: Rgb, alpha: float, below: Rgb) -> Rgb:
    """What is seen of a colour with some opacity on another."""
    red, green, blue = (round(c * alpha + b * (1 - alpha)) for c, b in zip(colour, below, strict=True))
    return red, green, blue


def as_hex(colour: Rgb) -> str:
    """``#12372a``."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


@lru_cache(maxsize=4096)
def luminance(colour: Rgb) -> float:
    """Relative luminance (WCAG 2.2, "relative luminance")."""
    parts = [c / 255 for c in colour]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: Rgb, second: Rgb) -> float:
    """Contrast ratio, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@lru_cache(maxsize=2048)
def lab(colour: Rgb) -> tuple[float, float, float]:
    """CIELAB under D65 of an sRGB colour."""
    parts = [c / 255 for c in colour]
    r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    x = (0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047
    y = 0.2126729 * r + 0.7151522 * g + 0.0721750 * b
    z = (0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883
    fx, fy, fz = (t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def difference(first: tuple[float, float, float], second: tuple[float, float, float]) -> float:
    """CIEDE2000 of two CIELAB colours (Sharma, Wu, Dalal 2005, whose test pairs are in the tests)."""
    (l1, a1, b1), (l2, a2, b2) = first, second
    mean_c7 = ((math.hypot(a1, b1) + math.hypot(a2, b2)) / 2) ** 7
    g = 0.5 * (1 - math.sqrt(mean_c7 / (mean_c7 + 25**7)))
    a1, a2 = a1 * (1 + g), a2 * (1 + g)
    c1, c2 = math.hypot(a1, b1), math.hypot(a2, b2)
    h1, h2 = (math.degrees(math.atan2(b, a)) % 360 if (a or b) else 0.0 for a, b in ((a1, b1), (a2, b2)))
    dl, dc = l2 - l1, c2 - c1
    turn = h2 - h1
    dh = 0.0 if c1 * c2 == 0 else turn if abs(turn) <= 180 else turn - 360 if turn > 180 else turn + 360
    dh = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(dh / 2))
    ml, mc = (l1 + l2) / 2, (c1 + c2) / 2
    if c1 * c2 == 0:
        mh = h1 + h2
    elif abs(h1 - h2) <= 180:
        mh = (h1 + h2) / 2
    else:
        mh = (h1 + h2 + 360) / 2 if h1 + h2 < 360 else (h1 + h2 - 360) / 2
    cos = [math.cos(math.radians(angle)) for angle in (mh - 30, 2 * mh, 3 * mh + 6, 4 * mh - 63)]
    t = 1 - 0.17 * cos[0] + 0.24 * cos[1] + 0.32 * cos[2] - 0.20 * cos[3]
    rc = 2 * math.sqrt(mc**7 / (mc**7 + 25**7))
    sl = 1 + 0.015 * (ml - 50) ** 2 / math.sqrt(20 + (ml - 50) ** 2)
    sc, sh = 1 + 0.045 * mc, 1 + 0.015 * mc * t
    rt = -math.sin(math.radians(60 * math.exp(-(((mh - 275) / 25) ** 2)))) * rc
    return math.sqrt((dl / sl) ** 2 + (dc / sc) ** 2 + (dh / sh) ** 2 + rt * dc / sc * dh / sh)


def distance(first: Rgb, second: Rgb) -> float:
    """CIEDE2000 of two sRGB colours."""
    return 0.0 if first == second else difference(lab(first), lab(second))


_MOST_SL = 1.75
"""What CIEDE2000 divides a difference in lightness by at most (its S_L at L = 0 or 100 is 1.747)."""


def nearest(colour: Rgb, known: Collection[Rgb]) -> tuple[float, Rgb]:
    """The known colour that differs least (CIEDE2000), and by how much.

    Those of the likest lightness come first: what differs in lightness alone by more than the best so far differs by
    more in all, since the rest of the formula only adds.
    """
    light, best = lab(colour)[0], (math.inf, colour)
    for apart, other in sorted((abs(light - lab(other)[0]), other) for other in known):
        if apart / _MOST_SL > best[0]:
            break
        best = min(best, (distance(colour, other), other))
    return best
