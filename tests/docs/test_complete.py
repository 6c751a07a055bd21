"""Every setting, option, error code and capability stands in the README or in docs/."""

from __future__ import annotations

import re

import click
import pytest

import adapters.errors
from adapters.capability import Capability
from gateway.cli import gateway
from gateway.http.refusal import STATUS
from tests.demonstration import ROOT
from tests.docs.reference import FILE, keys, renewed

TEXT = "\n".join(path.read_text() for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))])


def test_tables_of_settings_are_those_of_the_code() -> None:
    assert renewed(FILE.read_text()) == FILE.read_text(), "python -m tests.docs.reference writes them"


@pytest.mark.parametrize("key", sorted(set(keys())))
def test_every_setting_is_documented(key: str) -> None:
    assert f"| `{key}` |" in TEXT


@pytest.mark.parametrize("name", sorted(gateway.commands))
def test_every_command_and_option_is_documented(name: str) -> None:
    assert f"`butler-gateway {name}" in TEXT
    line = next(line for line in TEXT.splitlines() if line.startswith(f"| `butler-gateway {name}"))
    for parameter in gateway.commands[name].params:
        if isinstance(parameter, click.Option):
            assert parameter.opts[0] in line, parameter.opts


def codes() -> set[str]:
    declared = {
        kind.code
        for kind in vars(adapters.errors).values()
        if isinstance(kind, type) and hasattr(kind, "code")
    }
    return declared | set(STATUS)


@pytest.mark.parametrize("code", sorted(codes()))
def test_every_error_code_is_documented_with_its_status(code: str) -> None:
    (line,) = [line for line in TEXT.splitlines() if line.startswith(f"| `{code}` |")]
    assert line.split("|")[-2].strip().startswith(str(STATUS[code]))


@pytest.mark.parametrize("capability", list(Capability))
def test_every_capability_is_documented(capability: Capability) -> None:
    assert f"| `{capability}` |" in TEXT


def test_links_between_the_documents_lead_somewhere() -> None:
    for path in [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


@pytest.mark.parametrize("target", re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
def test_every_make_target_is_documented(target: str) -> None:
    assert f"`make {target}`" in TEXT or target == "help"
