"""``serve``: one process or several, an address that cannot be had, and an end that drops no request."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.config import ServerConfig
from gateway.running import _uvicorn
from tests.demonstration import COMMAND, configuration_file, environment, run, running

QUERY = '{ repository(name: "hsc") { collection(name: "HSC/defaults") { type } } }'
ANSWER = {"data": {"repository": {"collection": {"type": "CHAINED"}}}}


def ask(address: str, query: str = QUERY) -> dict[str, Any]:
    body = json.dumps({"query": query}).encode()
    request = Request(f"{address}/graphql", body, {"Content-Type": "application/json"})
    with urlopen(request, timeout=60) as answer:
        found: dict[str, Any] = json.load(answer)
    found.pop("extensions", None)
    return found


@pytest.mark.parametrize("workers", [1, 2])
def test_it_answers_and_sigterm_ends_it(tmp_path: Path, workers: int) -> None:
    config = configuration_file(tmp_path)
    command = [COMMAND, "serve", "--config", config, "--port", 0, "--workers", workers]
    with running(command) as gateway:
        assert ask(gateway.address) == ANSWER
        with urlopen(f"{gateway.address}/readyz", timeout=60) as answer:
            assert json.load(answer)["status"] == "ready"
        gateway.process.send_signal(signal.SIGTERM)
        assert gateway.process.wait(30) == 0, "".join(gateway.lines)
    assert not [line for line in gateway.lines if "Traceback" in line]


def test_a_request_in_flight_at_sigterm_is_answered(tmp_path: Path) -> None:
    body = json.dumps({"query": QUERY}).encode()
    head = (
        "POST /graphql HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with running([COMMAND, "serve", "--config", configuration_file(tmp_path), "--port", 0]) as gateway:
        ask(gateway.address)
        port = int(gateway.address.rsplit(":", 1)[1])
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(head.encode() + body[:10])
            time.sleep(0.2)
            gateway.process.send_signal(signal.SIGTERM)
            gateway.await_line("Shutting down")
            connection.sendall(body[10:])
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["data"] == ANSWER["data"]
        assert gateway.process.wait(30) == 0


def test_ctrl_c_ends_it(tmp_path: Path) -> None:
    with running([COMMAND, "serve", "--config", configuration_file(tmp_path), "--port", 0]) as gateway:
        ask(gateway.address)
        gateway.process.send_signal(signal.SIGINT)
        assert gateway.process.wait(30) == 0, "".join(gateway.lines)


def test_command_line_goes_above_the_environment_and_that_above_the_file(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        config = configuration_file(tmp_path, server={"port": port})
        with running([COMMAND, "serve", "--config", config], variables={"BUTLER_GATEWAY_SERVER__PORT": "0"}):
            pass
        with running([COMMAND, "serve", "--config", config, "--port", 0]):
            pass
        done = run("serve", "--config", config)
    assert done.returncode == 1
    assert done.stderr == f"butler-gateway: cannot listen on 127.0.0.1 port {port}: address already in use\n"


def test_a_host_that_is_none_of_ours_is_one_line(tmp_path: Path) -> None:
    done = run("serve", "--config", configuration_file(tmp_path), "--host", "192.0.2.1", "--port", "0")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "cannot listen on 192.0.2.1 port 0: " in done.stderr


def test_a_limit_of_the_environment_is_kept(tmp_path: Path) -> None:
    command = [COMMAND, "serve", "--config", configuration_file(tmp_path), "--port", 0]
    with running(command, variables={"BUTLER_GATEWAY_LIMITS__MAX_FIRST": "300"}) as gateway:
        assert ask(gateway.address, "{ service { maxFirst } }") == {"data": {"service": {"maxFirst": 300}}}
        with pytest.raises(HTTPError) as refused:
            urlopen(f"{gateway.address}/nowhere", timeout=30)
        assert refused.value.code == 404
        refused.value.close()


def test_the_log_holds_one_line_a_request_and_no_token(tmp_path: Path) -> None:
    command = [COMMAND, "serve", "--config", configuration_file(tmp_path), "--port", 0]
    with running(command, variables={"BUTLER_GATEWAY_LOG__FORMAT": "json"}) as gateway:
        headers = {"Authorization": "Bearer gt-secret.word", "X-Request-Id": "one-of-ours"}
        with urlopen(Request(f"{gateway.address}/healthz", headers=headers), timeout=30) as answer:
            assert answer.headers["X-Request-Id"] == "one-of-ours"
            assert "server" not in answer.headers
        gateway.process.send_signal(signal.SIGTERM)
        gateway.process.wait(30)
    events = [json.loads(line) for line in gateway.lines]
    requests = [event for event in events if event["event"] == "request"]
    assert [(event["route"], event["status"], event["request_id"]) for event in requests] == [
        ("/healthz", 200, "one-of-ours")
    ]
    assert "secret" not in "".join(gateway.lines)


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop is not for Windows")
def test_the_fast_loop_and_parser_are_used() -> None:
    """uvicorn takes slower ones without a word where they are missing."""
    config = _uvicorn(Starlette(), ServerConfig())
    config.load()
    factory = config.get_loop_factory()
    assert factory is not None and factory.__module__.startswith("uvloop")
    assert issubclass(config.http_protocol_class, HttpToolsProtocol)


def test_importing_the_application_imports_no_storage() -> None:
    """Heavy imports belong to the repositories that need them."""
    code = "import sys, gateway.app; print([n for n in sys.modules if n.split('.')[0] in {'lsst', 'sqlalchemy', 'pyarrow'}])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment()
    )
    assert done.stdout == "[]\n"


def test_a_gateway_imports_what_tables_take_when_the_first_one_is_asked_for(tmp_path: Path) -> None:
    """Over a TAP service there is no Butler that would bring Arrow along."""
    file = tmp_path / "gateway.yaml"
    file.write_text("repositories: {far: {adapter: tap, uri: 'http://127.0.0.1:9/tap'}}\n")
    code = (
        "import sys; from pathlib import Path; from gateway.app import create_app; from gateway.config import load;"
        f"create_app(load(Path({str(file)!r})));"
        "print([n for n in ('pyarrow', 'duckdb', 'lsst.daf.butler') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment()
    )
    assert done.stdout == "[]\n"


def test_a_process_that_answered_in_every_way_ends_without_a_word(tmp_path: Path) -> None:
    """Libraries in C++ complain on standard error of what is not freed at the end: frozen by the garbage collector, say."""
    command = [COMMAND, "serve", "--config", configuration_file(tmp_path), "--port", 0]
    with running(command, variables={"BUTLER_GATEWAY_LOG__FORMAT": "json"}) as gateway:
        found = ask(
            gateway.address,
            """{ repository(name: "hsc") { datasets(query: {type: "calexp"}, first: 2) {
                plain: table(format: CSV) { url } observed: table(format: VOTABLE, obscore: true) { url }
                nodes { ivoid region { ra dec } }
            } } }""",
        )["data"]["repository"]["datasets"]
        assert found["nodes"][0]["region"]
        saved = ask(
            gateway.address,
            """mutation { saveResult(repositories: ["hsc"], query: {type: "calexp"}) {
                phase rows(where: "visit > 1") { totalCount } table(format: ARROW) { url }
            } }""",
        )["data"]["saveResult"]
        assert saved["phase"] == "COMPLETED" and saved["rows"]["totalCount"]
        links = f"{gateway.address}/datalink/links?ID={quote(found['nodes'][0]['ivoid'], safe='')}"
        for url in (found["plain"]["url"], found["observed"]["url"], saved["table"]["url"], links):
            with urlopen(url, timeout=60) as answer:
                assert answer.read()
        gateway.process.send_signal(signal.SIGTERM)
        assert gateway.process.wait(30) == 0
    assert {json.loads(line)["level"] for line in gateway.lines} == {"info"}
