"""The texts that an exported file holds beside its network, read without the file's runtime.

In LiteRT they are in a zip archive behind the network, where TensorFlow Lite's own metadata puts
associated files; in ONNX among the metadata properties, appended to the network's bytes (protocol
buffers that follow each other are read as one). They are read and checked before a runtime sees a
byte of the file: damaged ones can crash it.
"""

from __future__ import annotations

import hashlib
import io
import zipfile

INFO, CHECKSUM, MARK = "siamlab.json", "siamlab.sha256", "siamlab.mark"
NAMES = (INFO, CHECKSUM, MARK)
_MOST_TEXT = 64_000_000
_PROPERTIES = 14  # field of ModelProto, onnx.proto: repeated StringStringEntryProto


def read_litert_notes(content: bytes) -> dict[str, str]:
    """The texts of a ``.tflite`` file.

    Raises:
        zipfile.BadZipFile: there are none, or they are damaged.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [member for member in archive.infolist() if member.filename in NAMES]
        if sum(member.file_size for member in members) > _MOST_TEXT:
            raise zipfile.BadZipFile("its text is too long")
        return {member.filename: archive.read(member).decode() for member in members}


def read_onnx_notes(content: bytes) -> dict[str, str]:
    """The texts of an ``.onnx`` file.

    Raises:
        ValueError, IndexError: it is no protocol buffer.
    """
    entries = (dict(_fields(entry)) for field, entry in _fields(content) if field == _PROPERTIES)
    texts = ((entry[1].decode(), entry.get(2, b"").decode()) for entry in entries)
    return {key: value for key, value in texts if key in NAMES}


def _fields(content: bytes) -> list[tuple[int, bytes]]:
    """The fields of a protocol buffer that hold bytes: number and content."""
    found, place = [], 0
    while place < len(content):
        tag, place = _varint(content, place)
        kind = tag & 7
        if kind == 0:
            _, place = _varint(content, place)
        elif kind in (1, 5):
            place += 8 if kind == 1 else 4
        elif kind == 2:
            size, place = _varint(content, place)
            found.append((tag >> 3, content[place : place + size]))
            place += size
        else:
            raise ValueError("it is no protocol buffer")
    if place != len(content):
        raise ValueError("its end is missing")
    return found


def _varint(content: bytes, place: int) -> tuple[int, int]:
    """An integer of seven bits to the byte, the lowest first, and where the next field begins."""
    value = shift = 0
    while True:
        byte = content[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if not byte & 0x80:
            return value, place
        if shift > 63:
            raise ValueError("it is no protocol buffer")


def checksum(network: bytes | memoryview, text: str) -> str:
    """Digest over an exported file's network and its text, in hexadecimal digits."""
    digest = hashlib.sha256(network)
    digest.update(text.encode())
    return digest.hexdigest()
