"""Unpacks raw deflate streams: by libdeflate where the machine has it (half of zlib's time).

Nothing but the standard library is imported.
"""

from __future__ import annotations

import ctypes
import os
import zlib
from collections.abc import Iterator

WHOLE = 4 << 20  # bytes: what is not larger, packed and unpacked, is done at once
_BLOCK = 1 << 20
_READ = 1 << 18


class InflateError(Exception):
    """The stream is damaged, or has not the size that was announced."""


class Inflater:
    """Two buffers and the library. Memory is taken only as far as it is used."""

    def __init__(self, library: str = "libdeflate.so.0") -> None:
        self._input, self._output = bytearray(WHOLE), bytearray(WHOLE)
        self.input = memoryview(self._input)  # read packed bytes into this
        self._decompress = _load(library)
        kind = ctypes.c_char * WHOLE
        self._from = ctypes.addressof(kind.from_buffer(self._input))
        self._to = ctypes.addressof(kind.from_buffer(self._output))

    def unpack(self, start: int, end: int, size: int) -> memoryview:
        """The content of what is in `input` between start and end; valid until the next call.

        It has exactly size (at most WHOLE) bytes. Raises InflateError.
        """
        if not size:
            return memoryview(b"")
        if self._decompress is None:
            return _by_zlib(self.input[start:end], size)
        if self._decompress(self._from + start, end - start, self._to, size) != 0:
            raise InflateError("it cannot be unpacked")
        return memoryview(self._output)[:size]


class _Library:
    def __init__(self, library: ctypes.CDLL) -> None:
        library.libdeflate_alloc_decompressor.restype = ctypes.c_void_p
        self._function = library.libdeflate_deflate_decompress
        number, pointer = ctypes.c_size_t, ctypes.c_void_p
        self._function.argtypes = [pointer, pointer, number, pointer, number, pointer]
        self._state = library.libdeflate_alloc_decompressor()

    def __call__(self, source: int, length: int, target: int, size: int) -> int:
        """0 when exactly size bytes came out of it."""
        return int(self._function(self._state, source, length, target, size, None))


def _load(name: str) -> _Library | None:
    try:
        return _Library(ctypes.CDLL(name))
    except (OSError, AttributeError):
        return None


def _by_zlib(packed: memoryview, size: int) -> memoryview:
    unpack = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = unpack.decompress(packed, size)
    except zlib.error as error:
        raise InflateError(f"it cannot be unpacked ({error})") from error
    if len(content) != size:
        raise InflateError("it unpacks to less than it says")
    return memoryview(content)


def inflate_blocks(packed: memoryview, source: int, size: int) -> Iterator[bytes]:
    """The content of packed and what can be read from the file source after it, in blocks.

    Never more than size bytes, so that a forged object fills neither memory nor disk.
    Raises InflateError, OSError.
    """
    unpack = zlib.decompressobj(-zlib.MAX_WBITS)
    waiting: bytes | memoryview = packed
    left = size
    try:
        while left:
            block = unpack.decompress(waiting, min(left, _BLOCK))
            left -= len(block)
            if block:
                yield block
            waiting = unpack.unconsumed_tail
            if not block and not waiting:
                waiting = os.read(source, _READ)
                if not waiting:
                    raise InflateError("it unpacks to less than it says")
    except zlib.error as error:
        raise InflateError(f"it cannot be unpacked ({error})") from error
