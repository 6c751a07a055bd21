"""What the configuration says of a Butler server: its address, and the options of this adapter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from ..errors import BadUserInput
from ..origin import Origin

_KNOWN = ("authentication", "insecure", "concurrent", "remember", "threads")


@dataclass(frozen=True, slots=True)
class Options:
    """``open_to_all``: the server wants no token (``authentication: disabled``). ``insecure``: http is allowed elsewhere than on this machine.

    ``concurrent``: how many calls of one user run at a time; a Butler server lets two. ``threads``: of all users. ``remember``: for how many
    seconds the names that a token's owner may see are not asked for again.
    """

    open_to_all: bool = False
    insecure: bool = False
    concurrent: int = 2
    threads: int = 16
    remember: float = 10.0

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Self:
        """Raises BadUserInput with the option that is wrong."""
        for name in given:
            if name not in _KNOWN:
                raise BadUserInput(f"options: '{name}' is unknown; known are {', '.join(_KNOWN)}.")
        mode = given.get("authentication", "token")
        if mode not in ("token", "disabled"):
            raise BadUserInput(f"options: authentication should be token or disabled, not {mode!r}.")
        insecure = given.get("insecure", False)
        if not isinstance(insecure, bool):
            raise BadUserInput(f"options: insecure should be true or false, not {insecure!r}.")
        return cls(
            mode == "disabled",
            insecure,
            int(_number(given, "concurrent", 2, 1, 100)),
            int(_number(given, "threads", 16, 1, 500)),
            _number(given, "remember", 10.0, 0, 3600),
        )


def _number(given: Mapping[str, Any], name: str, default: float, least: float, most: float) -> float:
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise BadUserInput(f"options: {name} should be a number from {least} to {most}, not {value!r}.")
    return value


def origin_of(address: str, options: Options) -> Origin:
    """The only place that a token goes to. Raises BadUserInput where it would go there in the clear."""
    try:
        origin = Origin.of(address)
    except ValueError as error:
        raise BadUserInput(f"uri: it is {error}.") from None
    if not re.search(r"\.(yaml|json)$", urlsplit(address).path):
        raise BadUserInput(
            "uri: it should end in /butler.yaml, as a Butler server's client configuration does."
        )
    if not (origin.secure or options.insecure):
        raise BadUserInput(
            "uri: it should begin with https, since callers' tokens go there; options: {insecure: true} allows http."
        )
    return origin


def overheard(origin: Origin) -> bool:
    """Whether what is sent there could be read on its way by a proxy that the environment names."""
    if origin.scheme != "http" or "http" not in getproxies():
        return False
    return not proxy_bypass(f"{origin.host}:{origin.port}")
