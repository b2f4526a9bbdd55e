# SPDX-License-Identifier: MIT
"""Grey 8-bit PNG files, as this folder's pictures are: no interlace, no filters."""
import struct
import zlib

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def write_gray_png(path, picture):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = picture.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = b"".join(b"\0" + row.tobytes() for row in picture)
    path.write_bytes(SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) +
                     chunk(b"IEND", b""))


def read_gray_png(path):
    data, at, packed = path.read_bytes(), len(SIGNATURE), b""
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        content = data[at + 8:at + 8 + size]
        if kind == b"IHDR":
            width, height = struct.unpack_from(">II", content)
        elif kind == b"IDAT":
            packed += content
        at += 12 + size
    rows = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, width + 1)
    if rows[:, 0].any():
        raise ValueError(f"{path}: has filtered rows; this reader knows its own files only")
    return rows[:, 1:]
