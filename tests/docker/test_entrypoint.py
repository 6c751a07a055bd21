"""The image's entry point, run here as a process: the same script, with the gateway of this environment on PATH."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.demonstration import ROOT, configuration_file, environment, running

SCRIPT = ROOT / "docker" / "entrypoint.sh"
BIN = Path(sys.executable).parent


def variables(config: Path) -> dict[str, str]:
    return environment(PATH=f"{BIN}:{environment()['PATH']}", BUTLER_GATEWAY_CONFIG=str(config))


def entered(config: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", SCRIPT, *words],
        env=variables(config),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("words", [[], ["serve"], ["--port", "0"], ["check"]])
def test_missing_configuration_is_said_in_one_line(tmp_path: Path, words: list[str]) -> None:
    done = entered(tmp_path / "none.yaml", *words)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"butler-gateway: no configuration at {tmp_path / 'none.yaml'}: ")
    assert "BUTLER_GATEWAY_CONFIG" in done.stderr


def test_it_serves_and_sigterm_ends_it_cleanly(tmp_path: Path) -> None:
    with running(["sh", SCRIPT, "--port", "0"], variables=variables(configuration_file(tmp_path))) as gateway:
        with urlopen(f"{gateway.address}/healthz", timeout=30) as answer:
            assert json.load(answer)["status"] == "ok"
        # The script has become the gateway: the signal reaches it without a shell between.
        gateway.process.send_signal(signal.SIGTERM)
        assert gateway.process.wait(30) == 0, "".join(gateway.lines)


def test_check_takes_the_same_configuration(tmp_path: Path) -> None:
    done = entered(configuration_file(tmp_path), "check")
    assert done.returncode == 0, done.stderr
    assert "hsc: can be read" in done.stdout


def test_other_words_are_commands_of_their_own(tmp_path: Path) -> None:
    assert entered(tmp_path, "--version").stdout.startswith("butler-gateway ")
    assert entered(tmp_path, "echo", "hello").stdout == "hello\n"
