"""The records in a file of Weights & Biases, ``run-<id>.wandb``: LevelDB's log format.

    file    = ":W&B" magic (2 bytes) version (1 byte), then blocks of 32 KiB; the header is part of the first
    block   = pieces, then fewer than seven bytes of padding
    piece   = crc32 of type and data (4 bytes), length of the data (2), type (1), data
    type    = 1 the whole record, 2 its first piece, 3 a piece between, 4 its last piece

The checksum is the CRC-32 of zlib, not the CRC32C of LevelDB. A live file grows by whole blocks, so its last
record is often half written. Behind a damaged piece the next intact one is looked for, first where the piece
says that it ends, then byte by byte.

Reference: LevelDB, doc/log_format.md; wandb 0.19, sdk/internal/datastore.py.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass, field

from ired_diag.readers.scalar_log import Damage

IDENT = b":W&B"
FILE_HEADER = 7
BLOCK = 1 << 15
PIECE = struct.Struct("<IHB")
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4
CRC_OF_TYPE = {kind: zlib.crc32(bytes([kind])) for kind in (FULL, FIRST, MIDDLE, LAST)}
BEGINS = re.compile(b"[\x01\x02]")  # the type of a piece that begins a record
MOST_SEARCHED = 1 << 27  # bytes of data whose checksum is tried in one search behind damage


@dataclass(frozen=True)
class Piece:
    """A piece of a record: its type, and where its data begin and end."""

    kind: int
    first: int
    end: int


@dataclass
class StoredRecords:
    """The records of a file.

    Attributes:
        records: The first byte of each record in the file, and the record.
        damaged: What was skipped.
        torn_at: The first byte of a half-written end.
    """

    records: list[tuple[int, bytes]] = field(default_factory=list)
    damaged: list[Damage] = field(default_factory=list)
    torn_at: int | None = None


def find_records(content: bytes) -> StoredRecords:
    """Return the records in a file."""
    return _Scan(content).run()


@dataclass
class _Scan:
    """A walk over the pieces of a file."""

    content: bytes
    stored: StoredRecords = field(default_factory=StoredRecords)
    begun_at: int | None = None
    begun: list[bytes] = field(default_factory=list)
    searched: int = 0
    allowance: int = MOST_SEARCHED

    def run(self) -> StoredRecords:
        position = FILE_HEADER
        while position < len(self.content):
            room = BLOCK - position % BLOCK
            if room < PIECE.size:
                position += room
                continue
            piece = self._piece(position)
            if piece is None:
                position = self._behind_damage(position)
            else:
                self._add(position, piece)
                position = piece.end
        if self.begun_at is not None:
            self.stored.torn_at = self.begun_at
        return self.stored

    def _piece(self, position: int) -> Piece | None:
        """Return the intact piece at a position; None where there is no such piece."""
        first = position + PIECE.size
        if first > len(self.content):
            return None
        crc, length, kind = PIECE.unpack_from(self.content, position)
        end = first + length
        within_block = end <= position - position % BLOCK + BLOCK
        if kind not in CRC_OF_TYPE or not within_block or end > len(self.content):
            return None
        self.searched += length
        if zlib.crc32(self.content[first:end], CRC_OF_TYPE[kind]) != crc:
            return None
        return Piece(kind, first, end)

    def _add(self, position: int, piece: Piece) -> None:
        data = self.content[piece.first : piece.end]
        if piece.kind in (FULL, FIRST):
            if self.begun_at is not None:
                self._drop_begun("a record without its end")
            if piece.kind == FULL:
                self.stored.records.append((position, data))
            else:
                self.begun_at, self.begun = position, [data]
            return
        if self.begun_at is None:
            self._note(position, "the end of a record without its beginning")
            return
        self.begun.append(data)
        if piece.kind == LAST:
            self.stored.records.append((self.begun_at, b"".join(self.begun)))
            self.begun_at, self.begun = None, []

    def _drop_begun(self, reason: str) -> None:
        if self.begun_at is not None:
            self._note(self.begun_at, reason)
        self.begun_at, self.begun = None, []

    def _note(self, position: int, reason: str) -> None:
        self.stored.damaged.append(Damage(position, reason))

    def _behind_damage(self, position: int) -> int:
        """Return where reading goes on behind a piece that is not intact: the end, where nothing is left."""
        following = self._next_intact(position)
        if following is None:
            if self.begun_at is None:
                self.begun_at = position
            return len(self.content)
        self._drop_begun("a record whose end is damaged")
        self._note(position, f"{following - position} bytes that are not an intact record")
        return following

    def _next_intact(self, position: int) -> int | None:
        """Return the next place where a record begins: the stated end, else any byte, else any block."""
        if position + PIECE.size <= len(self.content):
            length = int(PIECE.unpack_from(self.content, position)[1])
            stated_end = position + PIECE.size + length
            if self._begins_record(stated_end):
                return stated_end
        self.searched = 0
        tried = position
        for match in BEGINS.finditer(self.content, position + PIECE.size):
            tried = match.start() + 1 - PIECE.size
            if self._begins_record(tried):
                return tried
            self.searched += PIECE.size
            if self.searched > self.allowance:  # a crafted file
                break
        else:
            return None
        self.allowance = 0
        for block in range(tried + -tried % BLOCK, len(self.content), BLOCK):
            if self._begins_record(block):
                return block
        return None

    def _begins_record(self, position: int) -> bool:
        if BLOCK - position % BLOCK < PIECE.size or position + PIECE.size > len(self.content):
            return False
        if self.content[position + PIECE.size - 1] not in (FULL, FIRST):
            return False
        return self._piece(position) is not None
