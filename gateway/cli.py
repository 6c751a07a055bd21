"""The command ``butler-gateway``: serve, demo, schema, check, explain.

Whatever is wrong is one line on standard error, without a traceback. The exit code is 2 for a configuration or a
command line that cannot be used, 1 for anything else that stands in the way.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import NoReturn

import click

from gateway.commands.check import check
from gateway.commands.demo import demo
from gateway.commands.explain import explain
from gateway.commands.schema import schema
from gateway.commands.serve import serve
from gateway.misconfigured import ConfigError

NAME = "butler-gateway"
GRACE = 0.5  # seconds that a thread gets to end by itself


@click.group(name=NAME, no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name=NAME, message="%(prog)s %(version)s")
def gateway() -> None:
    """A GraphQL gateway over LSST/Rubin Butler repositories."""


for command in (serve, demo, check, explain, schema):
    gateway.add_command(command)


def main() -> NoReturn:
    """The entry point of the distribution."""
    code = 0
    try:
        gateway.main(prog_name=NAME, standalone_mode=False)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    except ConfigError as error:
        code = _fail(str(error), 2)
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message())
        code = 2
    except click.ClickException as error:
        code = _fail(" ".join(error.format_message().split()), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        code = _fail("interrupted", 130)
    except BrokenPipeError:  # `butler-gateway schema | head`
        os._exit(1)
    _leave(code)


def _fail(line: str, code: int) -> int:
    print(f"{NAME}: {line}", file=sys.stderr)
    return code


def _leave(code: int) -> NoReturn:
    """Exit, without waiting for threads that a backend holds: they cannot be stopped, and Python would join them."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join(GRACE)
            if thread.is_alive():
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
