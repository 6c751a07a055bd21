"""A configuration that cannot be used: one line that names the key and what it should be, exit code 2."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from gateway.config import Config, load
from tests.demonstration import run

GOOD = {"repositories": {"hsc": {"uri": "repository", "collections": ["HSC/defaults"]}}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with something that looks like a repository: nothing here opens it."""
    (tmp_path / "repository").mkdir()
    (tmp_path / "repository" / "butler.yaml").touch()
    return tmp_path


def written(folder: Path, content: object) -> Path:
    file = folder / "config.yaml"
    file.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return file


def with_repository(**changes: object) -> dict[str, object]:
    return {"repositories": {"hsc": {"uri": "repository", **changes}}}


# What the file holds, the key that the line names, words that say what it should be.
MISTAKES = {
    "unknown key": ({**GOOD, "limit": {}}, "limit:", "did you mean limits"),
    "unknown key far from all": ({**GOOD, "qqq": 1}, "qqq:", "one of repositories, auth, limits"),
    "unknown limit": (
        {**GOOD, "limits": {"max_frist": 5}},
        "limits.max_frist:",
        "did you mean limits.max_first",
    ),
    "unknown key of a repository": (
        with_repository(collection=["a"]),
        "repositories.hsc.collection:",
        "collections",
    ),
    "unknown key of the server": (
        {**GOOD, "server": {"hots": ""}},
        "server.hots:",
        "did you mean server.host",
    ),
    "no repositories": ({}, "repositories:", "missing"),
    "empty repositories": ({"repositories": {}}, "repositories:", "not be empty"),
    "nothing for repositories": ({"repositories": None}, "repositories:", "a mapping"),
    "a repository that is text": ({"repositories": {"hsc": "here"}}, "repositories.hsc:", "a mapping"),
    "no uri": ({"repositories": {"hsc": {}}}, "repositories.hsc.uri:", "missing"),
    "missing repository": (with_repository(uri="nowhere"), "repositories.hsc.uri:", "nothing at"),
    "folder that is no repository": (with_repository(uri="."), "repositories.hsc.uri:", "no butler.yaml"),
    "uri that is a number": (with_repository(uri=3), "repositories.hsc.uri:", "text"),
    "unknown adapter": (
        with_repository(adapter="buttler"),
        "repositories.hsc.adapter:",
        "(butler, remote-butler, tap)",
    ),
    "label with a slash": (
        {"repositories": {"a/b": {"uri": "repository"}}},
        "repositories.a/b:",
        "letters, digits",
    ),
    "label of two lines": (
        {"repositories": {"a\nb": {"uri": "repository"}}},
        "repositories.a b:",
        "letters, digits",
    ),
    "collections as text": (with_repository(collections="HSC"), "repositories.hsc.collections:", "a list"),
    "ivoid without id": (with_repository(ivoid="ivo://a/{repository}"), "repositories.hsc.ivoid:", "{id}"),
    "ivoid with another place": (
        with_repository(ivoid="ivo://a/{repository}?{id}{run}"),
        "repositories.hsc.ivoid:",
        "no other placeholder",
    ),
    "ivoid of another scheme": (
        with_repository(ivoid="http://{repository}{id}"),
        "repositories.hsc.ivoid:",
        "ivo://",
    ),
    "unknown key of auth": ({**GOOD, "auth": {"moode": "oidc"}}, "auth.moode:", "did you mean auth.mode"),
    "unknown mode": (
        {**GOOD, "auth": {"mode": "basic"}},
        "auth.mode:",
        "'anonymous', 'gafaelfawr' or 'oidc'",
    ),
    "gafaelfawr without url": ({**GOOD, "auth": {"mode": "gafaelfawr"}}, "auth.url:", "missing"),
    "oidc without audience": (
        {**GOOD, "auth": {"mode": "oidc", "issuer": "https://login.example.org"}},
        "auth.audience:",
        "missing",
    ),
    "key of another mode": (
        {**GOOD, "auth": {"mode": "gafaelfawr", "url": "https://a.example", "issuer": "https://b.example"}},
        "auth.issuer:",
        "for the mode oidc",
    ),
    "url in the open": (
        {**GOOD, "auth": {"mode": "gafaelfawr", "url": "http://data.example.org"}},
        "auth.url:",
        "https://",
    ),
    "keys in the open": (
        {
            **GOOD,
            "auth": {
                "mode": "oidc",
                "issuer": "https://a.example",
                "audience": "x",
                "jwks": "http://10.0.0.1/keys",
            },
        },
        "auth.jwks:",
        "https://",
    ),
    "url with a password": (
        {**GOOD, "auth": {"mode": "gafaelfawr", "url": "https://u:p@data.example.org"}},
        "auth.url:",
        "without a user or a password",
    ),
    "everybody as ingress": (
        {**GOOD, "auth": {"mode": "gafaelfawr", "url": "https://a.example", "proxies": ["0.0.0.0/0"]}},
        "auth.proxies.0:",
        "is everybody",
    ),
    "ingress by name": (
        {**GOOD, "auth": {"mode": "gafaelfawr", "url": "https://a.example", "proxies": ["ingress"]}},
        "auth.proxies.0:",
        "10.0.0.0/24",
    ),
    "algorithm none": ({**GOOD, "auth": {"algorithms": ["none"]}}, "auth.algorithms.0:", "'RS256'"),
    "a shared secret": ({**GOOD, "auth": {"algorithms": ["HS256"]}}, "auth.algorithms.0:", "'RS256'"),
    "for ever": ({**GOOD, "auth": {"seconds": 86400}}, "auth.seconds:", "3600"),
    "readers where nobody has a name": (
        with_repository(read=["g_hsc"]),
        "repositories.hsc.read:",
        "auth.mode is anonymous",
    ),
    "writers where nobody has a name": (
        with_repository(write="*"),
        "repositories.hsc.write:",
        "auth.mode is anonymous",
    ),
    "nobody as readers": (with_repository(read=[]), "repositories.hsc.read:", "not be empty"),
    "readers as text": (with_repository(read="g_hsc"), "repositories.hsc.read:", "a list"),
    "a group without a name": (with_repository(read=[""]), "repositories.hsc.read.0:", "name of a group"),
    "limit as text": ({**GOOD, "limits": {"max_first": "many"}}, "limits.max_first:", "a whole number"),
    "limit below a page": ({**GOOD, "limits": {"max_first": 50}}, "limits.max_first:", "at least 100"),
    "limit of zero": ({**GOOD, "limits": {"max_first": 0}}, "limits.max_first:", "positive"),
    "limit that is fractional": (
        {**GOOD, "limits": {"max_depth": 2.5}},
        "limits.max_depth:",
        "a whole number",
    ),
    "timeout as text": ({**GOOD, "limits": {"timeout": "soon"}}, "limits.timeout:", "a number"),
    "limits as number": ({**GOOD, "limits": 5}, "limits:", "a mapping"),
    "port out of range": ({**GOOD, "server": {"port": 99999}}, "server.port:", "65535"),
    "no worker": ({**GOOD, "server": {"workers": 0}}, "server.workers:", "greater than or equal to 1"),
    "unknown log level": ({**GOOD, "log": {"level": "LOUD"}}, "log.level:", "'DEBUG', 'INFO'"),
    "every origin": ({**GOOD, "cors_origins": ["*"]}, "cors_origins.0:", "https://portal.example.org"),
    "public_url without scheme": (
        {**GOOD, "public_url": "example.org"},
        "public_url:",
        "https://data.example.org",
    ),
    "not YAML": ("repositories: [1\nlimits: 2\n", "line 2, column 7:", "not usable YAML"),
    "a tab": ("repositories:\n\thsc: 1\n", "line 2, column 1:", "not usable YAML"),
    "a key twice": (
        "repositories:\n  hsc: {uri: repository}\n  hsc: {uri: other}\n",
        "line 3, column 3:",
        "the key hsc stands twice",
    ),
    "label that is a number": ({"repositories": {2024: {"uri": "repository"}}}, "repositories.2024:", "text"),
    "a list": ("- 1\n", "config.yaml:", "a mapping"),
    "not UTF-8": ("repositories: {hsc: {uri: \udcff}}", "config.yaml:", "UTF-8"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_is_one_line_that_names_the_key(folder: Path, mistake: str) -> None:
    content, key, should = MISTAKES[mistake]
    file = folder / "config.yaml"
    if isinstance(content, str):
        file.write_bytes(content.encode("utf-8", "surrogateescape"))
    else:
        file.write_text(yaml.safe_dump(content))
    done = run("check" if mistake == "unknown adapter" else "serve", "--config", file)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("butler-gateway: ") and done.stderr.count("\n") == 1, done.stderr
    assert key in done.stderr and should in done.stderr


def test_missing_file_is_one_line(tmp_path: Path) -> None:
    done = run("serve", "--config", tmp_path / "none.yaml")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "none.yaml: cannot be read: no such file" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["serve"], "Missing option '--config'"),
        (["serve", "--config", "x", "--port", "99999"], "'--port'"),
        (["serv"], "Did you mean 'serve'"),
        (["serve", "--hots", "x"], "--host"),
    ],
)
def test_wrong_command_line_is_one_line(words: list[str], said: str) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert done.stderr.startswith("butler-gateway: ") and done.stderr.count("\n") == 1
    assert said in done.stderr


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("BUTLER_GATEWAY_LIMIT", "3", "did you mean limits"),
        ("BUTLER_GATEWAY_LIMITS__MAX_FRIST", "3", "did you mean limits.max_first"),
        ("BUTLER_GATEWAY_SERVER__PORT", "http", "a whole number"),
        ("BUTLER_GATEWAY_REPOSITORIES__HSC__COLLECTIONS", "[HSC", "a list"),
    ],
)
def test_wrong_variable_is_one_line_that_names_it(folder: Path, variable: str, value: str, said: str) -> None:
    done = run("serve", "--config", written(folder, GOOD), **{variable: value})
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith(f"butler-gateway: {variable}: ")
    assert said in done.stderr


def loaded(monkeypatch: pytest.MonkeyPatch, file: Path, **variables: str) -> Config:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return load(file)


def test_environment_goes_above_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = loaded(
        monkeypatch,
        written(folder, {**GOOD, "limits": {"max_first": 500, "max_depth": 6}}),
        BUTLER_GATEWAY_LIMITS__MAX_FIRST="700",
        BUTLER_GATEWAY_REPOSITORIES__HSC__COLLECTIONS="[HSC/raw/all, skymaps]",
        BUTLER_GATEWAY_REPOSITORIES__HSC__OPTIONS="{pool: 3}",
        BUTLER_GATEWAY_STATE="/var/lib/gateway",
        BUTLER_GATEWAY_CORS_ORIGINS="[https://portal.example.org]",
        BUTLER_GATEWAY_CONFIG="is no setting",
        BUTLER_GATEWAY_PUBLIC_URL="",  # as if it were not set
    )
    assert (config.limits.max_first, config.limits.max_depth) == (700, 6)
    assert config.repositories["hsc"].collections == ("HSC/raw/all", "skymaps")
    assert config.repositories["hsc"].options == {"pool": 3}
    assert config.repositories["hsc"].uri == str(folder / "repository")
    assert config.state == Path("/var/lib/gateway")
    assert config.cors_origins == ("https://portal.example.org",)


def test_environment_finds_labels_that_no_variable_can_spell(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(folder, {"repositories": {"HSC-2.a": {"uri": "repository"}}})
    config = loaded(monkeypatch, file, BUTLER_GATEWAY_REPOSITORIES__HSC_2_A__DESCRIPTION="from outside")
    assert list(config.repositories) == ["HSC-2.a"]
    assert config.repositories["HSC-2.a"].description == "from outside"


def test_environment_alone_is_enough(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = loaded(monkeypatch, written(folder, ""), BUTLER_GATEWAY_REPOSITORIES__HSC__URI="repository")
    assert config.repositories["hsc"].uri == str(folder / "repository")


def test_paths_begin_at_the_folder_of_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    config = load(written(folder, {**GOOD, "state": "caches"}))
    assert config.settings_of("hsc").uri == str(folder / "repository")
    assert config.settings_of("hsc").state == str(folder / "caches" / "hsc")


@pytest.mark.parametrize(
    "uri", ["s3://bucket/repository", "https://data.example.org/butler", "resource://x/y"]
)
def test_addresses_are_left_as_they_are(folder: Path, uri: str) -> None:
    assert load(written(folder, with_repository(uri=uri))).settings_of("hsc").uri == uri


def test_alias_is_left_to_butler_where_it_has_an_index(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAF_BUTLER_REPOSITORY_INDEX", str(folder / "index.yaml"))
    assert load(written(folder, with_repository(uri="main"))).settings_of("hsc").uri == "main"


def test_repositories_keep_the_order_of_the_file(folder: Path) -> None:
    labels = ["z", "a", "m"]
    file = folder / "config.yaml"
    file.write_text("repositories:\n" + "".join(f"  {label}: {{uri: repository}}\n" for label in labels))
    assert list(load(file).repositories) == labels
