"""A Ray cluster under fire: workers and nodes killed at random while `count --ray` counts, then the head.

    python benchmarks/many_machines/ray_kills.py [--kills 20] [--shards 60] [--seed 0] [--draw first]

Three nodes are real `ray start` processes in network namespaces, each with its own working folder (this needs
root; without, all are on this host's own network). SIGKILL strikes a worker drawn at random, every fifth time
a whole node, which is started again. At the end it strikes the head and the command, and the same command
is given again. Its counts must be those of one process, to the byte. With `--kills 0` nothing is killed.
The most memory that a worker held while nothing was killed is shown, too.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from smaller_labse.corpora.builtin_sentences import builtin_sentences

NETWORK, PORT = "10.213.47", 6391
SETTLES = 4.0  # seconds, of a cluster whose nodes were just started
WORKERS = ("ray::IDLE", "ray::count_shard", "ray::number_text")  # others of Ray's own are called ray::, too
BETWEEN = 3.0, 9.0  # seconds between two kills; a worker takes as many to start where machines are busy
LONGEST = 900.0  # seconds, for the command that is not disturbed
PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)
SHARD = re.compile(r"^en, shard (\d+) of \d+: ", re.MULTILINE)


def main(arguments: list[str] | None = None) -> int:
    """Kill, run again, compare, and print what happened; 1 where the bytes differ or the command failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--shards", type=int, default=60)
    parser.add_argument("--lines", type=int, default=6_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--draw", choices=("first", "even"), default="even")
    options = parser.parse_args(arguments)
    draw = random.Random(options.seed)
    os.environ["RAY_AUTH_MODE"] = "disabled"  # nobody else is in these networks
    with tempfile.TemporaryDirectory(prefix="ray-kills-") as name:
        folder = Path(name)
        model, text = folder / "original", folder / "text"
        make = [sys.executable, "-m", "smaller_labse.make_smaller.example", "--out", str(model)]
        subprocess.run(make, check=True, capture_output=True)
        write_text(text, options.lines, options.shards)
        command = count_command(model, text, options.draw, options.lines * 2 // 3)
        subprocess.run([*command, "--out", str(folder / "one")], check=True, capture_output=True)
        with nodes(folder) as (head, *others):
            on_ray = [*head.enter(), *command, "--out", str(folder / "many")]
            on_ray += ["--ray", f"{head.address}:{PORT}", "--shards", str(options.shards)]
            if not options.kills:
                _, memory = undisturbed(on_ray, [head, *others], folder / "first.log")
                print(f"a worker's memory: at most {memory >> 20:,} MiB")
                print(f"the bytes are those of one process: {is_same(folder)}")
                return 0 if is_same(folder) else 1
            first, fire = under_fire(on_ray, head, others, options.kills, draw, folder / "first.log")
            for node in (head, *others):
                node.start(head)
                time.sleep(SETTLES)
            second, memory = undisturbed(on_ray, [head, *others], folder / "second.log")
        done = [SHARD.findall(first), SHARD.findall(second)]
        same = is_same(folder)
        once = len(set(done[0]) | set(done[1])) == len(done[0]) + len(done[1]) == options.shards
        print(
            f"killed: {fire.workers} workers, {fire.counting} of them counting; {fire.nodes} nodes; the head"
        )
        print(f"shards: {len(done[0])} of {options.shards} before the head was killed, {len(done[1])} after")
        print(
            f"begun again: at most {fire.counting + fire.of_nodes + fire.of_head} of {options.shards} shards"
        )
        print(f"a worker's memory: at most {memory >> 20:,} MiB")
        print(f"each shard was kept once: {once}; the bytes are those of one process: {same}")
        return 0 if same and once else 1


def is_same(folder: Path) -> bool:
    """Whether the cluster's counts are those of one process."""
    return len({(folder / out / "en.parquet").read_bytes() for out in ("one", "many")}) == 1


def write_text(folder: Path, lines: int, files: int) -> None:
    """Files of made lines, no two alike."""
    folder.mkdir()
    sentences = builtin_sentences()["en"]
    for number in range(files):
        with (folder / f"{number}.txt").open("w", encoding="utf-8") as file:
            file.writelines(
                f"{number} {line} {sentences[line % len(sentences)]}\n" for line in range(lines // files)
            )


def count_command(model: Path, text: Path, draw: str, most: int) -> list[str]:
    """What counts the text undivided, but for its output."""
    count = [sys.executable, "-m", "smaller_labse.select_vocab", "count", "--model", str(model)]
    return [*count, "--text", f"en={text}", "--draw", draw, "--max-lines", str(most)]


@dataclass
class Node:
    """A machine of the cluster: `ray start` and all processes below it."""

    number: int
    folder: Path
    in_namespace: bool
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def address(self) -> str:
        return f"{NETWORK}.{self.number + 1}" if self.in_namespace else "127.0.0.1"

    @property
    def namespace(self) -> str:
        return f"raykills{self.number}"

    def enter(self) -> list[str]:
        """The words before a command that is to run in this machine's network."""
        return ["ip", "netns", "exec", self.namespace] if self.in_namespace else []

    def start(self, head: Node) -> None:
        """Start Ray's processes."""
        place = self.folder / f"node{self.number}"
        place.mkdir(exist_ok=True)
        ray = [str(Path(sys.executable).with_name("ray")), "start", "--block", "--num-cpus", "1"]
        ray += ["--node-ip-address", self.address, "--object-store-memory", str(80 << 20)]
        if self is head:
            ray += ["--head", "--port", str(PORT), "--include-dashboard", "false", "--temp-dir", "/tmp/rk"]
        else:
            ray += ["--address", f"{head.address}:{PORT}"]
        log = (place / "log").open("ab")
        self.process = subprocess.Popen(
            [*self.enter(), *ray], cwd=place, stdout=log, stderr=log, start_new_session=True
        )

    def processes(self) -> list[int]:
        """All of its processes that live, `ray start` first."""
        assert self.process is not None
        return [self.process.pid, *descendants(self.process.pid)]

    def workers(self) -> list[tuple[int, bool]]:
        """Its workers, and whether each is counting."""
        found = []
        for process in self.processes():
            title = title_of(process)
            if title.startswith(WORKERS):
                found.append((process, title.startswith("ray::count_shard")))
        return found

    def kill(self) -> int:
        """Kill all at once; how many workers were counting."""
        counting = sum(busy for _, busy in self.workers())
        for process in self.processes():
            kill(process)
        assert self.process is not None
        self.process.wait()
        return counting


@contextmanager
def nodes(folder: Path) -> Iterator[list[Node]]:
    """A cluster of three, the head first."""
    in_namespace = os.geteuid() == 0
    cluster = [Node(number, folder, in_namespace) for number in range(3)]
    if in_namespace:
        make_network(cluster)
    try:
        for node in cluster:
            node.start(cluster[0])
            time.sleep(SETTLES)
        yield cluster
    finally:
        for node in cluster:
            if node.process is not None and node.process.poll() is None:
                node.kill()
        if in_namespace:
            remove_network(cluster)


def make_network(cluster: Sequence[Node]) -> None:
    """A network namespace for each node, with a bridge between."""
    ip("link", "add", "raykills", "type", "bridge")
    ip("link", "set", "raykills", "up")
    for node in cluster:
        outside, inside = f"rk{node.number}out", f"rk{node.number}in"
        ip("netns", "add", node.namespace)
        ip("link", "add", outside, "type", "veth", "peer", "name", inside, "netns", node.namespace)
        ip("link", "set", outside, "master", "raykills", "up")
        ip("-n", node.namespace, "address", "add", f"{node.address}/24", "dev", inside)
        ip("-n", node.namespace, "link", "set", inside, "up")
        ip("-n", node.namespace, "link", "set", "lo", "up")


def remove_network(cluster: Sequence[Node]) -> None:
    """Remove what `make_network` made."""
    for node in cluster:
        ip("netns", "delete", node.namespace)
    ip("link", "delete", "raykills")


def ip(*words: str) -> None:
    """Call iproute2."""
    subprocess.run(["ip", *words], check=True)


@dataclass
class Fire:
    """What was killed: workers, those of them that were counting, nodes, and workers that counted there."""

    workers: int = 0
    counting: int = 0
    nodes: int = 0
    of_nodes: int = 0
    of_head: int = 0


def under_fire(
    command: Sequence[str], head: Node, others: Sequence[Node], kills: int, draw: random.Random, log: Path
) -> tuple[str, Fire]:
    """Run the command, kill so often, then the head and the command; what it said, and what was killed."""
    fire = Fire()
    with log.open("wb") as said:
        process = subprocess.Popen(command, cwd=log.parent, stdout=said, stderr=said, start_new_session=True)
        while fire.workers + fire.nodes < kills and process.poll() is None:
            time.sleep(draw.uniform(*BETWEEN))
            if draw.random() < 0.2:
                node = draw.choice(others)
                fire.of_nodes += node.kill()
                fire.nodes += 1
                node.start(head)
            elif workers := [worker for node in (head, *others) for worker in node.workers()]:
                worker, counting = draw.choice(workers)
                kill(worker)
                fire.workers, fire.counting = fire.workers + 1, fire.counting + counting
        if process.poll() is not None:
            raise SystemExit(
                f"the command ended with {process.returncode} too soon:\n{log.read_text()[-2000:]}"
            )
        for node in (head, *others):
            fire.of_head += node.kill()
        for one in [process.pid, *descendants(process.pid)]:
            kill(one)
        process.wait()
    return log.read_text("utf-8"), fire


def undisturbed(command: Sequence[str], cluster: Sequence[Node], log: Path) -> tuple[str, int]:
    """Run the command to its end; what it said, and the most bytes that a worker held."""
    most, latest = 0, time.monotonic() + LONGEST
    with log.open("wb") as said:
        process = subprocess.Popen(command, cwd=log.parent, stdout=said, stderr=said)
        try:
            while process.poll() is None and time.monotonic() < latest:
                time.sleep(0.5)
                most = max([most, *(memory_of(worker) for node in cluster for worker, _ in node.workers())])
        finally:
            for one in [process.pid, *descendants(process.pid)] if process.poll() is None else ():
                kill(one)
            process.wait()
    if process.returncode != 0:
        raise SystemExit(f"the command ended with {process.returncode}:\n{log.read_text()[-2000:]}")
    return log.read_text("utf-8"), most


def memory_of(process: int) -> int:
    """The most bytes that a process ever held in memory."""
    try:
        found = PEAK.search(Path(f"/proc/{process}/status").read_text())
    except OSError:  # it has ended
        return 0
    return int(found[1]) << 10 if found else 0


def descendants(process: int) -> list[int]:
    """All processes below one, by /proc."""
    children: dict[int, list[int]] = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = place.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        children.setdefault(int(words[1]), []).append(int(place.parent.name))
    found, to_look = [], [process]
    while to_look:
        below = children.get(to_look.pop(), [])
        found += below
        to_look += below
    return found


def title_of(process: int) -> str:
    """A process's command line, as it calls itself."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def kill(process: int) -> None:
    """Kill a process, if it lives."""
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
