"""What the gateway writes to standard error: one line an event, as JSON or for a terminal.

``set_up`` brings structlog's events and those of the standard library (uvicorn, Butler, astropy) into the same
form; structlog's go straight to the stream. Nothing here writes headers: HTTP clients log the addresses they ask at INFO and their headers at DEBUG,
tokens included, so they are kept at WARNING whatever the level is.
"""

from __future__ import annotations

import json
import logging
import logging.config
import os
import sys
from typing import Any

import orjson
import structlog
from structlog.typing import Processor

from gateway.config import LogConfig

# Below WARNING these repeat what clients and backends sent each other.
TALKATIVE = (
    "httpx",
    "httpx2",
    "httpcore",
    "httpcore2",
    "urllib3",
    "botocore",
    "asyncio",
    "strawberry.execution",
)


def set_up(config: LogConfig) -> None:
    """Send every event of this process to standard error, in the form and from the level that are configured."""
    console = config.format == "console" or (config.format == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    if not console:
        shared.append(_of_process)
    last: list[Processor] = (
        [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
        if console
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_json)]
    )
    structlog.configure(
        processors=[*shared, *last],
        logger_factory=_Lines,
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, config.level)),
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(_standard_library(config.level, shared, last))


class _Lines(structlog.WriteLogger):
    """Writes finished lines. The standard library's loggers would look for their caller and make a record of each, which takes five
    times as long as the line itself: every request has one."""

    def __init__(self, name: str) -> None:
        super().__init__(sys.stderr)
        self.name = name


def _json(event: Any, **options: Any) -> str:
    try:
        return orjson.dumps(event, default=repr).decode()
    except TypeError:  # what only the standard library writes: integers past 2^64, halves of surrogate pairs
        return json.dumps(event, **options)


def _standard_library(level: str, shared: list[Processor], last: list[Processor]) -> dict[str, Any]:
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": [*shared, structlog.stdlib.PositionalArgumentsFormatter(), _bare],
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    }
    least = level if level == "ERROR" else "WARNING"
    quiet = {name: {"level": least} for name in TALKATIVE}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": formatter},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}
        },
        "root": {"handlers": ["stderr"], "level": level},
        # uvicorn's own lines about requests would repeat ours.
        "loggers": quiet | {"uvicorn.access": {"level": "CRITICAL"}},
    }


def _of_process(_logger: Any, _method: str, event: Any) -> Any:
    """Say which of several workers this was."""
    event["pid"] = os.getpid()
    return event


def _bare(_logger: Any, _method: str, event: Any) -> Any:
    """Drop the colours that uvicorn carries beside its messages."""
    event.pop("color_message", None)
    return event
