"""One process that reads damaged samples, one after another; `cases.py` starts it and watches it.

    python -m tests.fuzz.worker SAMPLES SCRATCH READER,READER SEED FIRST END SECONDS MEGABYTES

It says each case's number before, and how it ended after. What takes too long or too much memory ends the process, and
whoever started it knows with which case.
"""

from __future__ import annotations

import json
import os
import random
import re
import resource
import shutil
import signal
import sys
import traceback
from pathlib import Path

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.visible_text import OBEYED
from tests.fuzz.readers import READERS, Reader, damaged_file

SHOWN_AS_IT_IS = re.compile(f"(?!\n)[{OBEYED}]")
OUTPUTS = ("out", "again.parquet", "model/config_sentence_transformers.json", "model/manifest.json")


def main(
    samples: Path, scratch: Path, names: str, seed: str, first: int, end: int, seconds: int, megabytes: int
) -> None:
    """Run the cases `first` to `end` of each of some readers, whose names have commas between."""
    undamaged = {name: READERS[name].read(_copy(samples / name, scratch)) for name in names.split(",")}
    limit = _address_space() + (megabytes << 20) * 4  # threads and pools reserve more than they use
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for name, expected in undamaged.items():
        for number in range(first, end):
            _say(reader=name, case=number)
            signal.alarm(seconds)
            ended, why = run_case(READERS[name], samples, scratch, seed, number, expected, megabytes)
            signal.alarm(0)
            _say(reader=name, case=number, ended=ended, why=why)


def prepare(reader: Reader, samples: Path, scratch: Path, seed: str, number: int) -> tuple[Path, Path, bool]:
    """A sample with one damaged file: the folder, the file, and whether its bytes were damaged, not its content."""
    rng = random.Random(f"{seed}/{reader.name}/{number}")
    folder = _copy(samples / reader.name, scratch)
    file, damage = damaged_file(reader, folder, rng)
    data = damage(file.read_bytes(), rng)
    file.write_bytes(data)
    return folder, file, damage.__name__ in BYTE_DAMAGE


BYTE_DAMAGE = ("flip_bit", "replace_bytes", "truncate", "remove", "insert", "replace_all")


def run_case(
    reader: Reader, samples: Path, scratch: Path, seed: str, number: int, undamaged: object, megabytes: int
) -> tuple[str, str]:
    """How a case ended: "read", "refused" or a defect, and why."""
    folder, file, of_bytes = prepare(reader, samples, scratch, seed, number)
    before = _files(scratch)
    _reset_peak()
    resident = _memory("VmRSS")
    try:
        found = reader.read(folder)
    except SmallerLabseError as error:
        ended, why = "refused", str(error)
        if SHOWN_AS_IT_IS.search(why):
            ended = "escape"
    except (MemoryError, RecursionError) as error:
        ended, why = ("memory" if isinstance(error, MemoryError) else "traceback"), _where(error)
    except AssertionError as error:
        ended, why = "wrong", _where(error)
    except BaseException as error:  # tokenizers panics with something that is no Exception
        ended, why = "traceback", _where(error)
    else:
        ended, why = "read", ""
        if reader.noticed and of_bytes and found != undamaged:
            ended, why = "wrong", f"{file.relative_to(folder)}: damage was not noticed"
    used = (_memory("VmHWM") - resident) >> 10
    if used > megabytes:
        ended, why = "memory", f"{used} MB; {why}"
    if added := [
        path for path in _files(scratch) - before if not path.startswith(tuple(f"case/{o}" for o in OUTPUTS))
    ]:
        ended, why = "outside", added[0]
    return ended, why


def _where(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if "fuzz" not in frame.filename]
    frame = next((f for f in reversed(ours) if "site-packages" not in f.filename), last)
    place = f"{'/'.join(Path(frame.filename).parts[-2:])}:{frame.lineno} {frame.name}"
    return f"{place}: {type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _copy(sample: Path, scratch: Path) -> Path:
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.copytree(sample, scratch / "case")
    return scratch / "case"


def _files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def _memory(name: str) -> int:
    """In KiB; 0 where the system does not say."""
    try:
        status = Path("/proc/self/status").read_text("ascii", errors="replace")
    except OSError:
        return 0
    match = re.search(rf"^{name}:\s*(\d+) kB", status, flags=re.MULTILINE)
    return int(match[1]) if match else 0


def _address_space() -> int:
    return (_memory("VmSize") or 1 << 23) << 10


def _reset_peak() -> None:
    try:
        Path("/proc/self/clear_refs").write_text("5")  # see proc(5)
    except OSError:
        return


def _say(**content: object) -> None:
    os.write(1, (json.dumps(content) + "\n").encode())


if __name__ == "__main__":
    arguments = sys.argv[1:]
    main(Path(arguments[0]), Path(arguments[1]), arguments[2], arguments[3], *map(int, arguments[4:]))
