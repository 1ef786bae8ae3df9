"""How many shards a second `count --ray` manages: of a text of one line, nearly all shards are empty.

    python benchmarks/many_machines/empty_shards.py [--shards 10000]

The command runs once with one shard, which is what starting and ending take, and once with so many. Its own
processor time is the driver's: giving tasks, keeping what comes back, merging. Counts must be those of one
process, to the byte.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")  # a second


@dataclass(frozen=True)
class Cost:
    """Wall time, and the command's own processor time, in seconds."""

    wall: float
    driver: float


def main(arguments: list[str] | None = None) -> int:
    """Run, compare, and print the rates; 1 where the bytes differ."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shards", type=int, default=10_000)
    options = parser.parse_args(arguments)
    if options.shards < 2:
        parser.error("--shards: expected 2 or more")
    with tempfile.TemporaryDirectory(prefix="empty-shards-") as name:
        folder = Path(name)
        model, text = folder / "original", folder / "en.txt"
        make = [sys.executable, "-m", "smaller_labse.make_smaller.example", "--out", str(model)]
        subprocess.run(make, check=True, capture_output=True)
        text.write_text("One line, and no more.\n", encoding="utf-8")
        count = [sys.executable, "-m", "smaller_labse.select_vocab", "count", "--model", str(model)]
        count += ["--text", f"en={text}", "--max-lines", "0", "--out"]
        subprocess.run([*count, str(folder / "one")], check=True, capture_output=True)
        on_ray = [*count, str(folder / "many"), "--ray", "local", "--overwrite", "--shards"]
        costs = {shards: run([*on_ray, str(shards)]) for shards in (1, options.shards)}
        same = len({(folder / out / "en.parquet").read_bytes() for out in ("one", "many")}) == 1
    for shards, cost in costs.items():
        print(f"{shards:,} shards: {cost.wall:.1f} s, of which the driver computes {cost.driver:.1f} s")
    least, most = costs.values()
    per_second = (options.shards - 1) / (most.wall - least.wall)
    of_driver = (options.shards - 1) / max(most.driver - least.driver, 1 / TICKS)
    print(
        f"{per_second:.0f} shards a second with the workers; {of_driver:.0f} for each second of the driver's"
    )
    print(f"the bytes are those of one process: {same}")
    return 0 if same else 1


def run(command: list[str]) -> Cost:
    """Run a command to its end."""
    started = time.monotonic()
    driver, state = 0.0, ""
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
        while state != "Z":  # it has ended, and nobody has asked yet how
            time.sleep(0.1)
            # Ray's own processes are its children; only what the command itself computes is read.
            state, *numbers = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
            driver = (int(numbers[10]) + int(numbers[11])) / TICKS
        if process.wait():
            errors.seek(0)
            said = errors.read()[-2000:]
            raise SystemExit(f"{' '.join(command)}\nended with {process.returncode}:\n{said}")
    return Cost(time.monotonic() - started, driver)


if __name__ == "__main__":
    sys.exit(main())
