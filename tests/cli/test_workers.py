"""Several workers over one socket: each answers, what they read they share on disk, one that dies is replaced, and
one signal ends them all."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.cli.test_serve import ask
from tests.demonstration import COMMAND, Gateway, configuration_file, running

RECORDED = '{ repository(name: "hsc") { quanta { totalCount } } }'
EVERYTHING = {"data": {"repository": {"quanta": {"totalCount": 290}}}}


def answering(gateway: Gateway) -> set[int]:
    """The processes that have answered requests, as the log has them."""
    events = [json.loads(line) for line in list(gateway.lines) if '"request"' in line]
    return {event["pid"] for event in events if event["event"] == "request"}


def ask_until_answered_by(gateway: Gateway, workers: int, without: frozenset[int] = frozenset()) -> set[int]:
    """Ask what nobody has read before, many times at once, until so many workers have answered."""
    end = time.monotonic() + 90
    with ThreadPoolExecutor(8) as threads:
        while len(found := answering(gateway) - without) < workers:
            assert time.monotonic() < end, "".join(gateway.lines)
            answers = list(threads.map(lambda _: ask(gateway.address, RECORDED), range(16)))
            assert answers == [EVERYTHING] * 16
    return found


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_workers_answer_share_and_end_together(tmp_path: Path) -> None:
    config = configuration_file(tmp_path, log={"format": "json"})
    with running([COMMAND, "serve", "--config", config, "--port", 0, "--workers", 2]) as gateway:
        workers = ask_until_answered_by(gateway, 2)
        assert len(workers) == 2 and gateway.process.pid not in workers
        read = Counter(json.loads(line)["source"] for line in gateway.lines if '"quantum graph read"' in line)
        assert list(read.values()) == [1, 1]  # each graph by one of them
        lost = min(workers)
        os.kill(lost, signal.SIGKILL)
        workers = ask_until_answered_by(gateway, 2, frozenset({lost}))
        gateway.process.send_signal(signal.SIGTERM)
        assert gateway.process.wait(30) == 0, "".join(gateway.lines)
        assert not any(alive(process) for process in workers)
    assert not [line for line in gateway.lines if "Traceback" in line]


def test_the_configuration_says_how_many(tmp_path: Path) -> None:
    config = configuration_file(tmp_path, server={"workers": 2, "port": 0}, log={"format": "json"})
    with running([COMMAND, "serve", "--config", config]) as gateway:
        assert any('"workers":2' in line for line in gateway.lines)
