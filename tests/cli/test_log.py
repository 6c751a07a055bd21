"""The log: one form for everybody's events, and no client that tells what it sent."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from gateway.config import LogConfig
from gateway.log import TALKATIVE, set_up


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """The logging of the tests themselves, afterwards."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    root.setLevel(level)
    root.handlers[:] = handlers
    for name in [*TALKATIVE, "uvicorn.access"]:
        logging.getLogger(name).setLevel(logging.NOTSET)
    structlog.reset_defaults()


def test_events_of_both_kinds_are_json(capfd: pytest.CaptureFixture[str]) -> None:
    set_up(LogConfig(level="INFO", format="json"))
    structlog.get_logger("ours").info("opened", repository="hsc")
    logging.getLogger("theirs").warning("slow: %s", "query", extra={"color_message": "red"})
    structlog.get_logger("ours").debug("not this")
    ours, theirs = (json.loads(line) for line in capfd.readouterr().err.splitlines())
    assert (ours["event"], ours["repository"], ours["level"], ours["logger"]) == (
        "opened",
        "hsc",
        "info",
        "ours",
    )
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("slow: query", "warning", "theirs")
    assert ours["timestamp"].endswith("Z") and "color_message" not in theirs


def test_a_traceback_stays_in_its_line(capfd: pytest.CaptureFixture[str]) -> None:
    set_up(LogConfig(format="json"))
    try:
        raise OSError("disk")
    except OSError as error:
        structlog.get_logger("ours").warning("failed", exc_info=error)
    (line,) = capfd.readouterr().err.splitlines()
    assert "OSError: disk" in json.loads(line)["exception"]


def test_values_that_are_hard_to_write_are_written(capfd: pytest.CaptureFixture[str]) -> None:
    set_up(LogConfig(format="json"))
    structlog.get_logger("ours").warning("odd", huge=2**70, half="\ud800", what={1}, text="Ω")
    odd = json.loads(capfd.readouterr().err)
    assert (odd["huge"], odd["half"], odd["what"], odd["text"]) == (2**70, "\ud800", "{1}", "Ω")


@pytest.mark.parametrize("level", ["WARNING", "ERROR"])
def test_what_is_below_the_level_is_not_even_made(level: Any, capfd: pytest.CaptureFixture[str]) -> None:
    set_up(LogConfig(level=level, format="json"))
    log = structlog.get_logger("ours")
    assert not log.is_enabled_for(logging.INFO)
    log.info("request", status=200)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("name", TALKATIVE)
def test_clients_do_not_tell_what_they_sent(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    set_up(LogConfig(level="DEBUG", format="console"))
    logging.getLogger(name).info("GET https://data.example.org/ Authorization: Bearer gt-secret")
    logging.getLogger(f"{name}.inner").debug("Bearer gt-secret")
    assert capfd.readouterr().err == ""
