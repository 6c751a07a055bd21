"""``butler-gateway serve``: answer requests until SIGTERM or Ctrl-C, then let those in flight end."""

from __future__ import annotations

from pathlib import Path

import click

CONFIG_OPTION = click.option(
    "--config",
    "file",
    required=True,
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The configuration, a YAML file.",
)
HOST_OPTION = click.option("--host", metavar="H", help="The address to listen on; above server.host.")
PORT_OPTION = click.option(
    "--port",
    metavar="P",
    type=click.IntRange(0, 65535),
    help="The port to listen on, 0 for a free one; above server.port.",
)


@click.command()
@CONFIG_OPTION
@HOST_OPTION
@PORT_OPTION
@click.option(
    "--workers",
    metavar="N",
    type=click.IntRange(1, 64),
    help="The number of processes that answer; above server.workers.",
)
def serve(file: Path, host: str | None, port: int | None, workers: int | None) -> None:
    """Serve the repositories of a configuration."""
    from gateway.config import load

    config = load(file)  # before the rest is imported, which takes a second: mistakes are told at once

    from gateway.app import create_app
    from gateway.log import set_up
    from gateway.running import run, run_workers

    given = {"host": host, "port": port, "workers": workers}
    server = config.server.model_copy(
        update={key: value for key, value in given.items() if value is not None}
    )
    set_up(config.log)
    app = create_app(config)  # also for several workers: a mistake is told here, once
    if server.workers == 1:
        run(app, server)
    else:
        run_workers(file.absolute(), server)
