"""A folder behind a socket, as an object store and as a web server give it: whole or in ranges, with a record of what was asked."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

BUCKET = "lab-bucket"


@dataclass
class Bucket:
    """``heard``: request lines and headers, as they came. ``sent``: bytes of content."""

    origin: str
    heard: list[str] = field(default_factory=list)
    sent: int = 0


@contextmanager
def bucket(folder: Path) -> Iterator[Bucket]:
    """Serve what is in a folder under /lab-bucket/."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            place.heard.append(f"{self.requestline}\n{self.headers}")
            path = unquote(urlsplit(self.path).path).removeprefix(f"/{BUCKET}/")
            file = folder / path
            if not file.is_file():
                self._answer(404, b"")
                return
            content = file.read_bytes()
            found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            if not found:
                self._answer(200, content)
                return
            first, last = int(found[1]), int(found[2] or len(content) - 1)
            last = min(last, len(content) - 1)
            if first > last:
                self._answer(416, b"")
                return
            self._answer(206, content[first : last + 1], f"bytes {first}-{last}/{len(content)}")

        def _answer(self, status: int, body: bytes, of: str | None = None) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("ETag", '"1"')
            self.send_header("Last-Modified", "Wed, 21 Jan 2015 00:00:00 GMT")
            if of is not None:
                self.send_header("Content-Range", of)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)
                place.sent += len(body)

        do_GET = do_HEAD = _any

        def log_message(self, *args: Any) -> None:
            return None

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        listening.daemon_threads = True
        place = Bucket(f"http://127.0.0.1:{listening.server_port}")
        thread = threading.Thread(target=listening.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield place
        listening.shutdown()
        thread.join()
