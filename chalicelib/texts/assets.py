"""The sentences about images: why one is not taken, and what to do then."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "image.alt_decorative": "There is a description, and the picture is said to be decoration. Keep one of the two.",
    "image.alt_missing": "Describe what the picture shows, or say that it is only decoration.",
    "image.animated_cut": "An animation cannot be cut. Choose one that already has the right shape.",
    "image.animated_format": "Mail programs do not play an animated {format}. Export it as an animated GIF, "
                             "or as a still picture.",
    "image.animation_heavy": "The animation has {kilobytes} KB in {frames} pictures; {limit} KB are allowed, because "
                             "customers load it on their phones. Make it shorter, smaller or with fewer colours.",
    "image.animation_large": "The animation has {frames} pictures of {width} × {height} pixels. At most {limit} "
                             "pictures, {side} pixels a side and 60 megapixels together are allowed.",
    "image.changed": "Somebody changed this picture a moment ago. Load the page again.",
    "image.damaged": "The file is damaged or not complete. Open it in a picture program, save it anew as JPEG or PNG, "
                     "and upload that.",
    "image.expected": "Choose a picture first.",
    "image.full": "There are {limit} pictures already. Withdraw some that no mail uses any more.",
    "image.gone": "This picture was withdrawn or is past its last day. Choose another one.",
    "image.is_bmp": "This is a BMP picture, which mail programs do not show. Save it as PNG and upload that.",
    "image.is_heic": "This is a HEIC picture, as some phones take them. Share or export it as JPEG and upload that.",
    "image.is_pdf": "This is a PDF. Export the picture from it as JPEG or PNG and upload that.",
    "image.is_psd": "This is a Photoshop file. Export it as JPEG or PNG and upload that.",
    "image.is_svg": "Mail programs do not show SVG drawings. Export it as PNG, twice as wide as it is to be seen, "
                    "and upload that.",
    "image.is_tiff": "This is a TIFF picture, which mail programs do not show. Save it as JPEG or PNG and upload that.",
    "image.missing_now": "The picture cannot be found any more. Choose another one.",
    "image.name_missing": "Give the picture a name, so that colleagues find it again.",
    "image.not_an_image": "This file is not a picture. Upload a JPEG, PNG, GIF, WebP or AVIF file.",
    "image.settled": "This upload has ended already. Load the page again.",
    "image.shape": "The picture has another shape than its place in the mail. Cut it to the place first.",
    "image.small_cut": "So little of the picture is left that it would look blurred: {width} pixels wide, shown "
                       "{shown} wide. Take a larger part.",
    "image.too_big": "The file is larger than {megabytes} MB. Save it smaller or with less quality and upload that.",
    "image.too_many_frames": "The animation has {frames} pictures; {limit} are allowed. Make it shorter.",
    "image.too_many_pixels": "The picture has {width} × {height} pixels; {megapixels} megapixels are allowed. "
                             "Save it smaller: 2000 pixels on the longer side are enough for any mail.",
    "image.too_many_scans": "The JPEG is built of {scans} layers; {limit} are allowed. Save it anew and upload that.",
    "image.too_small": "The picture has {width} × {height} pixels; it takes at least {limit} each way to be seen.",
    "image.until": "“{value}” is not a day. Write it like 2026-12-31.",
    "image.until_past": "The last day {value} has passed already. Choose a later one, or none.",
}
"""Code -> English sentence."""

STATES = {
    "offered": "Can be used", "ended": "Past its last day", "withdrawn": "Withdrawn",
}
"""What a page calls the state of an image."""
