"""A Ray cluster that runs tasks: results as they finish, again where a worker died; failures in one line."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit

from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.select_vocab.on_ray.tasks import Refusal

MOST_DEATHS = 20  # of workers, for one task
MOST_REFUSALS = 3  # of one task: a network may fail a worker, or a machine lack a file that others have
TASKS_AHEAD = 4  # for each core of the cluster
FEWEST_TASKS_AHEAD = 64  # a cluster may grow while tasks wait
SECONDS_TO_CONNECT = 10.0
SECONDS_TO_WAIT = 1.0  # for a task, before Ctrl-C is looked for
LOCAL = "local"

Key = TypeVar("Key")
Result = TypeVar("Result")


class RayCluster:
    """A cluster that this process is connected to."""

    def __init__(self, ray: Any) -> None:
        self._ray = ray
        self._cores, self._asked = 1, -SECONDS_TO_WAIT  # how many it had, and when that was asked

    def share(self, value: object) -> Any:
        """Send a value to the cluster once, for many tasks: what is given to them in its place."""
        return self._ray.put(value)

    def run(
        self,
        function: Callable[..., Result | Refusal],
        tasks: Iterable[tuple[Key, tuple[Any, ...]]],
        threads: int = 1,
    ) -> Iterator[tuple[Key, Result]]:
        """Run a function for each task, and yield what it gives, in whatever order.

        Args:
            function: called in a worker.
            tasks: for each, a key that comes back with its result, and the arguments.
            threads: how many cores a task takes.

        Raises:
            SmallerLabseError: a task was refused, or its workers died, too often; the cluster is gone.
        """
        remote = self._ray.remote(function).options(num_cpus=threads, max_retries=MOST_DEATHS)
        running: dict[Any, tuple[Key, tuple[Any, ...], int]] = {}
        to_come = iter(tasks)
        try:
            while True:
                while len(running) < self._most_running() and (task := next(to_come, None)) is not None:
                    running[remote.remote(*task[1])] = (*task, 1)
                if not running:
                    return
                finished, _ = self._ray.wait(list(running), timeout=SECONDS_TO_WAIT)
                for reference in finished:
                    key, arguments, tries = running.pop(reference)
                    result = self._ray.get(reference)
                    if not isinstance(result, Refusal):
                        yield key, result
                    elif tries < MOST_REFUSALS:
                        running[remote.remote(*arguments)] = (key, arguments, tries + 1)
                    else:
                        raise SmallerLabseError(
                            f"{result.message} (on {result.node}; every worker needs the model and the text, "
                            "where this machine has them)"
                        )
        except self._ray.exceptions.RayError as error:
            raise SmallerLabseError(_in_one_line(error)) from error
        finally:
            for reference in running:
                self._ray.cancel(reference, force=True)

    def _most_running(self) -> int:
        if time.monotonic() - self._asked >= SECONDS_TO_WAIT:
            self._cores, self._asked = int(self._ray.cluster_resources().get("CPU", 1)), time.monotonic()
        return max(FEWEST_TASKS_AHEAD, TASKS_AHEAD * self._cores)


@contextmanager
def connected(address: str) -> Iterator[RayCluster]:
    """Connect to a cluster while the block runs.

    Args:
        address: as `ray.init` takes it: "auto", "HOST:PORT", "ray://HOST:PORT"; "local" starts Ray on this
            machine, for the block.

    Raises:
        UsageError: Ray is not installed.
        SmallerLabseError: there is no cluster.
    """
    try:
        import ray
    except ImportError:
        raise UsageError(
            "--ray needs Ray: pip install 'ray>=2.40,<3', or this package's extra [ray]"
        ) from None
    _require_reachable(address)
    # Ray wants SIGTERM for itself, which ends our commands as Ctrl-C does.
    is_main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGTERM)
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # else it warns of a change to come
    options = {"include_dashboard": False} if address == LOCAL else {}
    try:
        ray.init(address, log_to_driver=False, logging_level="ERROR", **options)
    except (ray.exceptions.RayError, OSError, RuntimeError, ValueError) as error:
        raise SmallerLabseError(
            f"--ray {address}: no cluster ({_in_one_line(error)}); if it wants a token, "
            "RAY_AUTH_MODE=token gives it"
        ) from error
    finally:
        if is_main and handler is not None:
            signal.signal(signal.SIGTERM, handler)
    try:
        yield RayCluster(ray)
    finally:
        ray.shutdown()


def _require_reachable(address: str) -> None:
    """Refuse a host that does not answer, which Ray itself waits minutes for."""
    place = urlsplit(address if "://" in address else f"ray://{address}")
    try:
        port = place.port
    except ValueError:
        port = None
    if ":" not in address:
        return  # "auto", "local"
    if not place.hostname or port is None:
        raise UsageError(f"--ray {address}: expected auto, local, HOST:PORT or ray://HOST:PORT")
    try:
        socket.create_connection((place.hostname, port), SECONDS_TO_CONNECT).close()
    except OSError as error:
        raise SmallerLabseError(
            f"--ray {address}: no cluster answers ({error.strerror or error}); "
            "is a head of Ray running there?"
        ) from None


def _in_one_line(error: Exception) -> str:
    """The last line of an error's text that says something; Ray's begin with the worker's traceback."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"Ray: {lines[-1] if lines else type(error).__name__}"
