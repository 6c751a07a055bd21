"""A real S3 server for the tests: moto's, on a free port of loopback, with one private bucket.

It lets in what is signed. That a signed address is signed rightly moto does not look at: here it is, as S3 does (AWS signature version 2: an HMAC
with SHA-1 over method, end and path, by the secret key).
"""

from __future__ import annotations

import base64
import hmac
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import boto3
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

BUCKET = "lab-bucket"
KEYS = {"AWS_ACCESS_KEY_ID": "who", "AWS_SECRET_ACCESS_KEY": "signs"}


@dataclass
class Store:
    """``heard``: methods, addresses and headers, as they came."""

    origin: str
    heard: list[str] = field(default_factory=list)

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process is told to find it, and to be let in."""
        return {"S3_ENDPOINT_URL": self.origin, **KEYS}

    def put(self, key: str, content: bytes) -> None:
        self._client().put_object(Bucket=BUCKET, Key=key, Body=content)

    def put_folder(self, folder: Path, below: str = "") -> None:
        for file in folder.rglob("*"):
            if file.is_file():
                self.put(f"{below}{file.relative_to(folder)}", file.read_bytes())

    def _client(self) -> Any:
        access, secret = KEYS.values()
        return boto3.client(
            "s3",
            endpoint_url=self.origin,
            region_name="us-east-1",
            aws_access_key_id=access,
            aws_secret_access_key=secret,
        )


@contextmanager
def s3() -> Iterator[Store]:
    served = DomainDispatcherApplication(create_backend_app)

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        address = f"{environ['PATH_INFO']}?{environ['QUERY_STRING']}"
        headers = {name: value for name, value in environ.items() if name.startswith("HTTP_")}
        place.heard.append(f"{environ['REQUEST_METHOD']} {address}\n{headers}")
        if "Signature=" in environ["QUERY_STRING"] and not _right(environ):
            start_response("403 Forbidden", [("Content-Type", "application/xml")])
            return [b"<Error><Code>SignatureDoesNotMatch</Code></Error>"]
        return served(environ, start_response)  # type: ignore[no-any-return]

    listening = make_server("127.0.0.1", 0, application, threaded=True, request_handler=_Silent)
    place = Store(f"http://127.0.0.1:{listening.server_port}")
    thread = threading.Thread(target=listening.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    place._client().create_bucket(Bucket=BUCKET)
    yield place
    listening.shutdown()
    thread.join()
    listening.server_close()


def _right(environ: Mapping[str, Any]) -> bool:
    """Whether the query holds a signature for what is asked, and its time is not over."""
    query = {name: values[0] for name, values in parse_qs(environ["QUERY_STRING"]).items()}
    if int(query["Expires"]) <= time.time():
        return False
    access, secret = KEYS.values()
    told = f"{environ['REQUEST_METHOD']}\n\n\n{query['Expires']}\n{environ['RAW_URI'].partition('?')[0]}"
    digest = base64.b64encode(hmac.digest(secret.encode(), told.encode(), "sha1")).decode()
    return query["AWSAccessKeyId"] == access and hmac.compare_digest(digest, query["Signature"])


class _Silent(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        return None
