"""Packed files, unpacked no further than a bound: a small file cannot fill the memory.

A file may unpack to 20 times its size, and to FORECAST_UNPACKED_MB (100 by default) in any case. Real tables in text
shrink to a third or a tenth.
"""

import bz2
import gzip
import io
import lzma
import os
import struct
import zlib
from typing import IO, Any
from zipfile import BadZipFile

from forecast.errors import ConfigError, SourceError

# The setting, its default, and how many times its own size a larger file may unpack to.
SETTING, DEFAULT, RATIO = "FORECAST_UNPACKED_MB", 100, 20
MEGABYTE = 1 << 20
# What damaged or malicious packed files make the standard library raise.
DAMAGED: tuple[type[Exception], ...] = (BadZipFile, EOFError, LookupError, NotImplementedError, OverflowError, OSError)
DAMAGED += (RuntimeError, ValueError, struct.error, zlib.error, lzma.LZMAError)
# Bytes that one step of xz unpacks, and the most memory that its header may ask for.
STEP, XZ_MEMORY = 1 << 20, 128 << 20


def most_bytes(size: int, *, ratio: int = RATIO) -> int:
    """The most bytes that a file of `size` bytes may unpack to.

    Raises:
        ConfigError: the setting is no number.
    """
    text = os.environ.get(SETTING, str(DEFAULT))
    if not text.isdecimal():
        raise ConfigError(f"{SETTING} must be a whole number of megabytes. Received: {text[:40]}.")
    return max(int(text) * MEGABYTE, ratio * size)


def check_size(declared: int, size: int, where: str, *, ratio: int = RATIO) -> None:
    """Check the size to which a file says that it unpacks.

    Raises:
        SourceError: it is more than the bound; names the setting.
    """
    if declared > (most := most_bytes(size, ratio=ratio)):
        raise SourceError(
            f"{where}: a file of {size:,} bytes may unpack to {most // MEGABYTE:,} MB. This one has more. "
            f"If you trust it, set the variable {SETTING} to the megabytes that it needs."
        )


def unpack(raw: bytes, kind: str, where: str) -> bytes:
    """Unpack a gzip, bzip2 or xz file.

    Raises:
        SourceError: the file is damaged, or unpacks to more than it may.
    """
    most = most_bytes(len(raw))
    try:
        content = _read_xz(raw, most + 1) if kind == "xz" else _reader(raw, kind).read(most + 1)
    except DAMAGED as error:
        cure = "Pack it with a smaller dictionary" if "Memory usage" in str(error) else "Copy it again"
        raise SourceError(f"{where}: the {kind} file cannot be unpacked. {error}. {cure}.") from error
    check_size(len(content), len(raw), where)
    return content


def _reader(raw: bytes, kind: str) -> IO[bytes]:
    readers: dict[str, Any] = {"gzip": gzip.open, "bzip2": bz2.open}
    reader: IO[bytes] = readers[kind](io.BytesIO(raw))
    return reader


def _read_xz(raw: bytes, most: int) -> bytes:
    """At most so many bytes of an xz file, of one stream or several; `lzma.open` knows no bound on the memory."""
    content = bytearray()
    while raw and len(content) < most:
        stream = lzma.LZMADecompressor(memlimit=XZ_MEMORY)
        while not stream.eof and len(content) < most:
            part = stream.decompress(raw if stream.needs_input else b"", max_length=STEP)
            if not part and stream.needs_input and not stream.eof:
                raise EOFError("it ends before its end-of-stream marker")
            content += part
            raw = b""
        raw = stream.unused_data.lstrip(b"\0")  # streams may be padded
    return bytes(content)
