"""Lines of a file, decompressed and decoded: plain text, or .gz, .zst, .xz and .bz2 of it.

They are read in blocks, and a line has at most `LONGEST_LINE` bytes, so memory does not grow with the file,
whatever it unpacks to. Arrow reads gzip and zstd, as it notices a
stream that ends too early, which zstandard's own reader does not; xz and bzip2 go through Python's
decompressors stream by stream, as its file objects pass over whatever follows the last stream.
"""

from __future__ import annotations

import bz2
import io
import lzma
from collections.abc import Iterable, Iterator

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora.records.arrow_arrays import is_utf8
from smaller_labse.corpora.shards import parted_text
from smaller_labse.corpora.shards.parted_text import EVERY_PART, parts_of_block
from smaller_labse.corpora.shards.shard import WantedParts
from smaller_labse.corpora.text_path import TextPath

COMPRESSIONS = (".gz", ".zst", ".xz", ".bz2")
BUFFER_BYTES = 1 << 20
BLOCK_CHARACTERS = 1 << 17  # of texts that are put together
# Three times the longest book; a file with a longer "line" has no line feeds, or is no text.
LONGEST_LINE = 1 << 24
XZ_MEMORY = 1 << 28  # bytes; xz -9 needs 65 MiB, a header can ask for 4 GiB


def split_lines(text: str) -> list[str]:
    """Split at line feeds only; one carriage return before a line feed belongs to the line's end.

    Other characters that Unicode calls line ends (U+2028, U+0085, …) stay: to a tokenizer they are text.

    >>> split_lines("one\\r\\ntwo\\u2028three")
    ['one', 'two\\u2028three']
    """
    lines = text.split("\n")
    return [line.removesuffix("\r") for line in lines] if "\r" in text else lines


def decompressed_lines(file: TextPath) -> Iterator[str]:
    """Yield the lines of a text file, whatever its name says of its content.

    Raises:
        SmallerLabseError: it cannot be read, its compression is broken, it is not UTF-8, or a line has more
            than `LONGEST_LINE` bytes.
    """
    for block in decompressed_blocks(file):
        yield from split_lines(block)


def decompressed_blocks(file: TextPath) -> Iterator[str]:
    """As `decompressed_lines`, in blocks of whole lines, the last one's end left out of each."""
    for block, number in numbered_blocks(file):
        yield decode_block(block, file, number)


def numbered_blocks(file: TextPath) -> Iterator[tuple[bytearray, int]]:
    """The same in UTF-8, as `decode_block` decodes it, with the number of each block's first line."""
    for block, _, number in _whole_lines(file):
        yield block, number


def line_parts(file: TextPath, wanted: WantedParts = EVERY_PART) -> Iterator[tuple[int, bytes]]:
    """As `decompressed_lines`, in blocks of UTF-8 in which a line feed ends each line, with their parts.

    Parts that are not wanted are not read, where the file is not compressed.
    """
    if file.suffix.lower() in COMPRESSIONS or wanted.step == 1 or not file.is_file():
        yield from _parts_from(file, 0, wanted)
        return
    size = parted_text.PART_BYTES
    for part in range(wanted.first, -(-file.stat().st_size // size), wanted.step):
        if wanted.are_before(part):
            return
        yield from _parts_from(file, part * size, WantedParts(part + 1, part, part + 1))


def _parts_from(file: TextPath, start: int, wanted: WantedParts) -> Iterator[tuple[int, bytes]]:
    for block, offset, number in _whole_lines(file, start):
        block += b"\n"
        for part, first, stop in parts_of_block(block, offset):
            if wanted.are_before(part):
                return
            if part in wanted:
                lines = bytes(memoryview(block)[first:stop])
                if not is_utf8(lines):
                    decode_block(lines, file, number + block.count(b"\n", 0, first), start)
                yield part, lines.replace(b"\r\n", b"\n") if b"\r" in lines else lines


def _whole_lines(file: TextPath, start: int = 0) -> Iterator[tuple[bytearray, int, int]]:
    """Blocks of whole lines, without the last one's end, where each begins and the number of its first line.

    Args:
        file: the file.
        start: in bytes; lines that begin before it are left out, and not numbered.
    """
    # Of a line that has not ended yet; a bytearray grows in place, so that a long line takes linear time.
    rest, number, offset = bytearray(), 1, start
    # A line that begins at `start` has a line feed before it; until that is found, nothing is a whole line.
    has_begun = start == 0
    for block in _blocks(file, max(0, start - 1)):
        if not has_begun:
            begin = block.find(b"\n") + 1
            offset += begin - 1 if begin else len(block)
            has_begun, block = bool(begin), block[begin:] if begin else b""
        first, last = block.find(b"\n"), block.rfind(b"\n")
        if len(rest) + (len(block) if first < 0 else first) > LONGEST_LINE:
            raise SmallerLabseError(
                f"{file}: {too_long(f'line {_number(file, start, number)}')}; are there no line feeds in it?"
            )
        if last < 0:
            rest += block
            continue
        rest += memoryview(block)[:last]
        lines, size = rest.count(b"\n") + 1, len(rest) + 1
        yield rest, offset, number
        number += lines
        offset += size
        rest = bytearray(memoryview(block)[last + 1 :])
    if rest:
        yield rest, offset, number


def _number(file: TextPath, start: int, number: int) -> int:
    """The number of a line in the file, from that among the lines that begin at `start` or behind it."""
    if not start:
        return number
    with file.open("rb") as stream:
        before, left = 0, start - 1
        while left > 0 and (block := stream.read(min(left, BUFFER_BYTES))):
            before, left = before + block.count(b"\n"), left - len(block)
    return before + 1 + number


def blocks_of_texts(texts: Iterable[str]) -> Iterator[bytes]:
    """The lines of texts as `line_parts` gives those of a file; see `split_lines`.

    >>> list(blocks_of_texts(["one\\r\\ntwo", "three"]))
    [b'one\\ntwo\\nthree\\n']
    """
    block: list[str] = []
    characters = 0
    for text in texts:
        block.append(text)
        characters += len(text) + 1
        if characters >= BLOCK_CHARACTERS:
            yield _encode_texts(block)
            block, characters = [], 0
    if block:
        yield _encode_texts(block)


def _encode_texts(texts: list[str]) -> bytes:
    return end_lines("\n".join(texts).encode())


def end_lines(lines: bytes) -> bytes:
    """Let a line feed end the last line, too, and every line without a carriage return; see `split_lines`."""
    return without_returns(lines + b"\n")


def without_returns(lines: bytes) -> bytes:
    """Lines that line feeds end, without a carriage return before one; see `split_lines`."""
    return lines.replace(b"\r\n", b"\n") if b"\r" in lines else lines


def too_long(what: str) -> str:
    """Say that a line, or a text of a table, is longer than `LONGEST_LINE`.

    >>> too_long("line 3")
    'line 3 has more than 16,777,216 bytes, the most that a line may have'
    """
    return f"{what} has more than {LONGEST_LINE:,} bytes, the most that a line may have"


def broken(file: TextPath, error: Exception) -> SmallerLabseError:
    """The error that says a file is not what its name says."""
    reason = getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__
    return SmallerLabseError(f"{file}: cannot be read ({reason}); is it complete, and what its name says?")


def decode_block(block: bytearray | bytes, file: TextPath, first: int, start: int = 0) -> str:
    """Decode a block of lines.

    Args:
        block: UTF-8.
        file: for the message.
        first: the number of its first line, among those that begin at `start` in the file or behind it.
        start: in bytes.

    Raises:
        SmallerLabseError: a line is not UTF-8.
    """
    try:
        return block.decode("utf-8")
    except UnicodeDecodeError as error:
        begin = block.rfind(b"\n", 0, error.start) + 1
        number = _number(file, start, first + block.count(b"\n", 0, begin))
        raise SmallerLabseError(
            f"{file}: line {number} is not UTF-8 (its byte {error.start - begin + 1}); save the file as UTF-8"
        ) from None


def _blocks(file: TextPath, start: int = 0) -> Iterator[bytes]:
    """What the file holds, decompressed; of plain text from `start` on."""
    compression = file.suffix.lower()
    try:
        if compression in COMPRESSIONS and file.is_file() and file.stat().st_size == 0:
            raise SmallerLabseError(f"{file}: empty, which no compressed file is; get it again")
        with _opened(file, compression) as stream:
            if compression in (".xz", ".bz2"):
                yield from _decompressed(stream, compression)
                return
            if start:
                stream.seek(start)
            # What a pipe has now, not what it will have: Ctrl-C is noticed between two reads.
            while block := stream.read1(BUFFER_BYTES):
                yield block
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise broken(file, error) from error


def _opened(file: TextPath, compression: str) -> io.BufferedReader:
    import pyarrow as pa

    codec = {".gz": "gzip", ".zst": "zstd"}.get(compression)
    if codec is None:
        return file.open("rb")
    return io.BufferedReader(pa.CompressedInputStream(file.open("rb"), codec), BUFFER_BYTES)


def _decompressed(stream: io.BufferedReader, compression: str) -> Iterator[bytes]:
    """Streams of xz or bzip2, one after another; zero bytes between and after those of xz are padding.

    Raises:
        OSError, lzma.LZMAError: something else than a stream.
        EOFError: the last stream ends too early.
    """
    padding = b"\x00" if compression == ".xz" else b""
    data = stream.read(BUFFER_BYTES)
    if not data:
        raise EOFError("it is empty")
    while data:
        decompressor = (
            lzma.LZMADecompressor(lzma.FORMAT_XZ, XZ_MEMORY)
            if compression == ".xz"
            else bz2.BZ2Decompressor()
        )
        while True:
            # No more than a block at a time, whatever a small file would become.
            block = decompressor.decompress(data, BUFFER_BYTES)
            if block:
                yield block
            if decompressor.eof:
                break
            data = stream.read(BUFFER_BYTES) if decompressor.needs_input else b""
            if decompressor.needs_input and not data:
                raise EOFError("it ends too early")
        data = (decompressor.unused_data or stream.read(BUFFER_BYTES)).lstrip(padding)
        while padding and not data and (more := stream.read(BUFFER_BYTES)):
            data = more.lstrip(padding)
