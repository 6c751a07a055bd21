"""``check`` and the configuration say who may ask what."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from gateway.auth.opening import authority_of
from gateway.auth.settings import AuthConfig
from gateway.config import load
from tests.demonstration import ROOT, configuration_file, run

GAFAELFAWR = {"mode": "gafaelfawr", "url": "https://data.example.org/", "proxies": ["10.0.0.0/24"]}
OIDC = {
    "mode": "oidc",
    "issuer": "https://login.example.org/",
    "audience": "gateway",
    "algorithms": ["ES256"],
}


def configured(folder: Path, auth: dict[str, object], **repository: object) -> Path:
    file = configuration_file(folder, auth=auth)
    content = yaml.safe_load(file.read_text())
    content["repositories"]["hsc"].update(repository)
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    return file


@pytest.mark.parametrize(
    ("auth", "repository", "said"),
    [
        ({}, {}, ["anonymous", "whoever reaches the gateway reads every repository", "written by nobody"]),
        (
            GAFAELFAWR,
            {"read": ["g_a", "g_b"], "write": "*"},
            [
                "https://data.example.org/auth/api/v1/user-info",
                "believed from 10.0.0.0/24",
                "others get 401",
                "noticed after 60 s",
                "read by members of g_a, g_b",
                "every caller with a token, of those who may read",
            ],
        ),
        (
            {**OIDC, "anonymous": True, "insecure": True},
            {},
            [
                "JWT of https://login.example.org/ for gateway, signed with ES256",
                "requests without a token too",
                "auth.insecure",
                "read by everybody",
            ],
        ),
    ],
)
def test_check_says_who_may_ask(
    tmp_path: Path, auth: dict[str, object], repository: dict[str, object], said: list[str]
) -> None:
    done = run("check", "--config", configured(tmp_path, auth, **repository))
    assert done.returncode == 0, done.stderr
    told = " ".join(done.stdout.split())
    for words in said:
        assert words in told


def test_groups_are_a_list_or_a_star(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = configured(tmp_path, GAFAELFAWR, read="*", write=["g"])
    assert (load(file).repositories["hsc"].read, load(file).repositories["hsc"].write) == (("*",), ("g",))
    monkeypatch.setenv("BUTLER_GATEWAY_REPOSITORIES__HSC__READ", "[g_env]")
    monkeypatch.setenv("BUTLER_GATEWAY_REPOSITORIES__HSC__WRITE", "*")
    assert (load(file).repositories["hsc"].read, load(file).repositories["hsc"].write) == (("g_env",), ("*",))


def test_the_environment_can_say_who_is_calling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = configured(tmp_path, {})
    monkeypatch.setenv("BUTLER_GATEWAY_AUTH__MODE", "gafaelfawr")
    monkeypatch.setenv("BUTLER_GATEWAY_AUTH__URL", "http://127.0.0.1:8080")
    monkeypatch.setenv("BUTLER_GATEWAY_AUTH__PROXIES", "[10.1.2.3, 'fd00::/8']")
    auth = load(file).auth
    assert (auth.mode, auth.url, auth.proxies) == (
        "gafaelfawr",
        "http://127.0.0.1:8080",
        ("10.1.2.3", "fd00::/8"),
    )


@pytest.mark.parametrize(("auth", "kind"), [({}, "Anonymous"), (GAFAELFAWR, "Gafaelfawr"), (OIDC, "Oidc")])
def test_the_mode_is_the_authority(tmp_path: Path, auth: dict[str, object], kind: str) -> None:
    assert type(authority_of(load(configured(tmp_path, auth)).auth)).__name__ == kind
    # An issuer is compared letter by letter: its slash stays.
    assert load(configured(tmp_path, OIDC)).auth.issuer == "https://login.example.org/"


@pytest.mark.parametrize("mode", ["gafaelfawr", "oidc"])
def test_configurations_of_the_documentation_can_be_loaded(tmp_path: Path, mode: str) -> None:
    blocks = re.findall(
        r"^```yaml\n(.*?)^```", (ROOT / "docs" / "security.md").read_text(), re.DOTALL | re.MULTILINE
    )
    (text,) = [block for block in blocks if f"mode: {mode}" in block]
    for repository in yaml.safe_load(text)["repositories"].values():
        (tmp_path / repository["uri"]).mkdir(parents=True)
        (tmp_path / repository["uri"] / "butler.yaml").touch()
    (tmp_path / "gateway.yaml").write_text(text)
    assert load(tmp_path / "gateway.yaml").auth.mode == mode


def test_the_readme_names_every_setting_of_callers() -> None:
    text = (ROOT / "README.md").read_text()
    for name in AuthConfig.model_fields:
        assert f"`auth.{name}`" in text
