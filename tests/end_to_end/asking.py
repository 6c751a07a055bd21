"""Questions over a socket, as any client asks them."""

from __future__ import annotations

from typing import Any

import httpx2


class Asker:
    """Asks one gateway. An INTERNAL error, or a status of 500 and above, fails the test whatever was asked."""

    def __init__(self, address: str) -> None:
        self.address = address
        # trust_env: a proxy of the environment has no part in requests to this machine.
        self.http = httpx2.Client(base_url=address, timeout=60, trust_env=False)

    def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """The whole answer."""
        response = self.http.post("/graphql", json={"query": document, "variables": variables})
        answer: dict[str, Any] = response.json()
        codes = [error["extensions"]["code"] for error in answer.get("errors", [])]
        assert response.status_code < 500, answer
        assert "INTERNAL" not in codes, f"{document}: {answer['errors']}"
        return answer

    def data(self, document: str, **variables: Any) -> Any:
        """The data of a request that must not fail."""
        answer = self.ask(document, **variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def error(self, document: str, **variables: Any) -> dict[str, Any]:
        """The first error of a request that must fail, its extensions beside its message."""
        answer = self.ask(document, **variables)
        assert answer.get("errors"), f"no error: {answer}"
        first = answer["errors"][0]
        return {"message": first["message"], **first["extensions"]}

    def hsc(self, selection: str) -> Any:
        """Fields of the demonstration repository, which must not fail."""
        return self.data(f'{{ repository(name: "hsc") {{ {selection} }} }}')["repository"]

    def refused(self, selection: str) -> dict[str, Any]:
        """The first error of fields of the demonstration repository."""
        return self.error(f'{{ repository(name: "hsc") {{ {selection} }} }}')
