"""A Butler server as its configuration names it: its client configuration fetched and checked once, and Butlers for callers.

The configuration that a server hands out says where the server is. That must be the origin that the gateway's own configuration names,
or else tokens would go wherever the document says; Butler is given a copy that was checked, so that it reads nothing else.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
import yaml
from lsst.daf.butler import Butler, LabeledButlerFactory

from ..errors import BackendTimeout, BackendUnavailable
from ..origin import Origin
from ..retry_after import seconds_of
from ..token import Token
from .options import Options, overheard

_CLASS = "lsst.daf.butler.remote_butler.RemoteButler"
_AUTHENTICATION = ("rubin_science_platform", "cadc")
_MOST_BYTES = 65_536
_PATIENCE = 10.0
_NOBODY = "anonymous"
"""Shown to servers that want no token: RemoteButler insists on having one."""


class Server:
    """One repository on a Butler server. ``butler`` gives an instance for one call, since a Butler is not for several threads."""

    def __init__(self, name: str, address: str, origin: Origin, options: Options) -> None:
        self.name, self.address, self.origin = name, address, origin
        self._open_to_all = options.open_to_all
        self._lock = threading.Lock()
        self._factory: LabeledButlerFactory | None = None
        self._folder: TemporaryDirectory[str] | None = None
        self.authentication = ""

    def butler(self, token: Token | None, patience: float) -> Butler:
        """A Butler that speaks for the owner of a token; making the first one asks the server for its dimensions.

        Raises
        ------
        BackendUnavailable
            The server does not answer, or its client configuration leads elsewhere.
        BackendTimeout
            It did not answer within so many seconds.
        """
        assert token is not None or self._open_to_all
        factory = self.open(patience)
        return factory.create_butler(self.name, access_token=_NOBODY if token is None else token.reveal())

    def open(self, patience: float) -> LabeledButlerFactory:
        """What makes Butlers: after the first time without asking the server, which is shown no token here."""
        if self._factory is None:
            with self._lock:
                if self._factory is None:
                    self._factory = self._connected(self._fetched(patience))
        return self._factory

    def close(self) -> None:
        factory, self._factory = self._factory, None
        if factory is not None:
            factory.close()
        if self._folder is not None:
            self._folder.cleanup()

    def _fetched(self, patience: float) -> str:
        if overheard(self.origin):
            raise self._unavailable(
                "would be asked in the clear through a proxy that the environment names", retry=False
            )
        try:
            with (
                httpx2.Client(timeout=min(_PATIENCE, patience), follow_redirects=False) as client,
                client.stream("GET", self.address) as answer,
            ):
                if answer.status_code != 200:
                    later = answer.status_code >= 500 or answer.status_code == 429
                    what = f"does not give its client configuration (status {answer.status_code})"
                    again = seconds_of(answer.headers.get("Retry-After"))
                    raise self._unavailable(what, retry=later, **again)
                found = b""
                for part in answer.iter_bytes():
                    found += part
                    if len(found) > _MOST_BYTES:
                        raise self._unavailable("gives no client configuration", retry=False)
                return found.decode("utf-8", "replace")
        except httpx2.TimeoutException:
            raise BackendTimeout(
                f"The server of repository '{self.name}' took too long.", repository=self.name, retry=True
            ) from None
        except (httpx2.HTTPError, httpx2.InvalidURL):
            raise self._unavailable("does not answer", retry=True) from None

    def _connected(self, text: str) -> LabeledButlerFactory:
        """Butlers from a copy of the configuration that holds nothing but what was checked."""
        url, authentication = self._checked(text)
        self._folder = TemporaryDirectory(prefix="butler-gateway-")
        copy = Path(self._folder.name) / "butler.json"
        remote = {"url": url, "authentication": authentication}
        copy.write_text(json.dumps({"cls": _CLASS, "remote_butler": remote}))
        self.authentication = authentication
        return LabeledButlerFactory({self.name: str(copy)})

    def _checked(self, text: str) -> tuple[str, str]:
        """Where the server says that it is, and the kind of token that it wants."""
        try:
            given: Any = yaml.safe_load(text)
            options = given["remote_butler"]
            url = str(options["url"]).replace("<butlerRoot>", self.address.rpartition("/")[0])
            authentication = options.get("authentication", _AUTHENTICATION[0])
        except (yaml.YAMLError, LookupError, TypeError, AttributeError, RecursionError):
            raise self._unavailable(
                "gives a client configuration that is no Butler server's", retry=False
            ) from None
        if given.get("cls", _CLASS) != _CLASS or authentication not in _AUTHENTICATION:
            raise self._unavailable("gives a client configuration that is no Butler server's", retry=False)
        try:
            found = Origin.of(url)
        except ValueError:
            found = None
        if found != self.origin or "?" in url or "#" in url:
            raise self._unavailable(
                f"says that it is elsewhere than at {self.origin}, and no token goes there", retry=False
            )
        return url, authentication

    def _unavailable(self, what: str, *, retry: bool, **details: int) -> BackendUnavailable:
        return BackendUnavailable(
            f"The server of repository '{self.name}' {what}.", repository=self.name, retry=retry, **details
        )
