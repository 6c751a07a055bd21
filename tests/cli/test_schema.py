"""``schema``: prints what schema.graphql holds."""

from __future__ import annotations

from graphql import build_schema

from tests.demonstration import ROOT, run


def test_it_prints_the_committed_schema() -> None:
    done = run("schema")
    assert done.returncode == 0, done.stderr
    assert done.stdout == (ROOT / "schema.graphql").read_text(), "make schema writes it"
    assert build_schema(done.stdout).query_type is not None


def test_version() -> None:
    from importlib.metadata import version

    assert run("--version").stdout == f"butler-gateway {version('butler-gateway')}\n"
