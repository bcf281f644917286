"""What a file is if it is no picture that can be read: recognised by its first bytes, with what to do about it."""

from __future__ import annotations

import re

_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"version https://git-lfs", "is a pointer of Git LFS, not the picture: run git lfs pull."),
    (b"%PDF", "is a PDF: save its pages as PNG."),
    (b"%!PS", "is PostScript: save it as PNG."),
    (b"PK\x03\x04", "is a ZIP archive: unpack it."),
    (b"PK\x05\x06", "is a ZIP archive, and an empty one."),
    (b"\x1f\x8b", "is compressed with gzip: unpack it."),
    (b"BZh", "is compressed with bzip2: unpack it."),
    (b"\xfd7zXZ\0", "is compressed with xz: unpack it."),
    (b"\x28\xb5\x2f\xfd", "is compressed with Zstandard: unpack it."),
    (b"7z\xbc\xaf\x27\x1c", "is a 7z archive: unpack it."),
    (b"Rar!", "is a RAR archive: unpack it."),
    (b"8BPS", "is a Photoshop document: save it as PNG."),
    (b"gimp xcf", "is a document of GIMP: export it as PNG."),
    (b"\x93NUMPY", "is an array file of NumPy: its suffix should be .npy."),
    (b"\x89HDF\r\n\x1a\n", "is an HDF5 file: save its arrays as .npy."),
    (b"MATLAB", "is a MATLAB file: save its arrays as .npy."),
    (b"v/1\x01", "is an OpenEXR picture: save it as .npy with floats from 0 to 1."),
    (b"#?RADIANCE", "is a Radiance HDR picture: save it as .npy with floats from 0 to 1."),
    (b"#?RGBE", "is a Radiance HDR picture: save it as .npy with floats from 0 to 1."),
    (b"\xff\x0a", "is a JPEG XL: save it as PNG."),
    (b"\0\0\0\x0cJXL ", "is a JPEG XL: save it as PNG."),
    (b"\0\0\1\0", "is an icon: save it as PNG."),
    (b"FUJIFILMCCD-RAW", "is a raw photo from a camera: develop it as TIFF or PNG."),
    (b"IIRO", "is a raw photo from a camera: develop it as TIFF or PNG."),
    (b"IIU\0", "is a raw photo from a camera: develop it as TIFF or PNG."),
    (b"DDS ", "is a DirectDraw texture: save it as PNG."),
    (b"qoif", "is a QOI picture: save it as PNG."),
    (b"P7\n", "is a portable arbitrary map (PAM): save it as PNG or .npy."),
    (b"PF\n", "is a portable float map: save it as .npy with floats from 0 to 1."),
    (b"Pf\n", "is a portable float map: save it as .npy with floats from 0 to 1."),
    (b"\x1aE\xdf\xa3", "is a video: save the frames you want as PNG."),
    (b"\x80\x04", "is a pickle of Python: save its array as .npy."),
)

_BRANDS: tuple[tuple[bytes, str], ...] = (
    (b"avi[fs]", "is an AVIF picture, which this build does not read: save it as PNG."),
    (b"hei[cxms]|hev[cmsx]|mif1|msf1", "is a HEIC picture, as phones take them: save it as JPEG or PNG."),
    (b"crx ", "is a raw photo from a camera: develop it as TIFF or PNG."),
    (b"", "is a video: save the frames you want as PNG."),
)

_MARKUP: tuple[tuple[bytes, str], ...] = (
    (rb"<!doctype html|<html|<head|<body", "is an HTML page: the download was not a picture. Fetch it again."),
    (rb"<svg", "is an SVG drawing: render it as PNG."),
    (rb"<\?xml|<error", "is an XML text, as servers send for a file that is not there: fetch it again."),
)


def what_it_is(content: bytes) -> str | None:
    """Return what a file is, as the end of a sentence with what to do; None if its first bytes tell nothing."""
    if content.startswith(b"PK") and b".npy" in content[:512]:
        return "is an archive of arrays of NumPy (.npz): save each of them as .npy."
    for start, what in _STARTS:
        if content.startswith(start):
            return what
    if content[4:8] == b"ftyp":
        return next(what for brand, what in _BRANDS if re.search(brand, content[8:40]))
    if content[257:262] == b"ustar":
        return "is a tar archive: unpack it."
    if content[128:132] == b"DICM":
        return "is a DICOM picture: save it as .npy or 16-bit PNG."
    start = content[:1024].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for pattern, what in _MARKUP:
        if re.search(pattern, start) and start.startswith(b"<"):
            return what
    if not content.strip(b"\0"):
        return "holds nothing but zeros: copying or downloading it went wrong. Fetch it again."
    if start.startswith((b"{", b"[")):
        return "is a JSON text: the download was not a picture. Fetch it again."
    text = content[:200].decode("utf-8", errors="ignore").strip()
    if len(text) > 8 and all(letter.isprintable() or letter.isspace() for letter in text):
        return f'is a text, not a picture; it begins with "{text.splitlines()[0][:40]}".'
    return None
