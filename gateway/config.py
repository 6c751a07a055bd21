"""The settings of a gateway: one tree, from a YAML file, with environment variables above it.

``load(file)`` gives a ``Config`` or raises ``ConfigError``, whose message is one line that names the key and
says what it should be. Every field says in its description what it means; README.md lists them all.

A variable is BUTLER_GATEWAY_ and the key in capitals, ``__`` between its parts: BUTLER_GATEWAY_LIMITS__MAX_FIRST.
Its value is read as YAML, so that lists can be given: ``[HSC/defaults, skymaps]``. In the label of a repository
any character that a variable's name cannot have stands as ``_``.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qs, urlsplit

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.sources import EnvSettingsSource

from adapters.protocol import Settings
from gateway.address import Address
from gateway.auth.settings import AuthConfig, Groups, mistakes
from gateway.datalink.settings import DatalinkConfig
from gateway.limits import Limits
from gateway.misconfigured import ConfigError, UniqueKeys, broken_yaml, first_mistake, unknown_key
from gateway.results.settings import ResultsConfig
from gateway.services import DiscoveryConfig, ServicesConfig
from gateway.tables.settings import TablesConfig

PREFIX = "BUTLER_GATEWAY_"
CONFIG_VARIABLE = f"{PREFIX}CONFIG"  # where workers and the container find the file; no setting

_PAGE = 100  # rows of a list where a query does not say how many


def _label(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", value):
        raise ValueError(
            "a label should be letters, digits, '.', '_' and '-', beginning with a letter or digit"
        )
    return value


def _pageable(value: Limits) -> Limits:
    if value.max_first < _PAGE:
        raise ValueError(
            f"max_first should be at least {_PAGE}, which a list has where a query says no first"
        )
    return value


def _ivoid(value: str) -> str:
    if not value.startswith("ivo://"):
        raise ValueError(f"it should begin with ivo://, not {value!r}")
    places = set(re.findall(r"[{}]+[^{}]*[{}]*", value))
    said = _said_by(value)
    if places - {"{id}", "{repository}"} or said is None or said[1] != "{id}" or value.count("{id}") > 1:
        raise ValueError(
            "it should say of what it is the identifier, as in ivo://org.example/{repository}?repo={repository}&id={id}, where "
            f"{{repository}} may be the label itself, and hold no other placeholder, not {value!r}"
        )
    return value


def _said_by(ivoid: str) -> tuple[str, str] | None:
    """The repository and the id that an identifier names; None where it does not name one of each."""
    query = parse_qs(urlsplit(ivoid).query)
    repositories, ids = query.get("repo", []), query.get("id", [])
    return (repositories[0], ids[0]) if len(repositories) == len(ids) == 1 else None


def _origin(value: str) -> str:
    parts = urlsplit(value)
    if (
        parts.scheme not in {"http", "https"}
        or not parts.netloc
        or value != f"{parts.scheme}://{parts.netloc}"
    ):
        raise ValueError(f"it should be an origin such as https://portal.example.org, not {value!r}")
    return value


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RepositoryConfig(_Group):
    """One repository; its label is the key under ``repositories``."""

    adapter: str = Field(default="butler", description="The name of the storage adapter that reads it.")
    uri: str = Field(
        min_length=1,
        description="The place of the repository: for the adapter butler whatever Butler.from_config takes, a "
        "folder, a butler.yaml or an address. A relative path begins at the folder of the configuration file.",
    )
    description: str | None = Field(default=None, description="What it holds, for people.")
    collections: tuple[str, ...] = Field(
        default=(), description="The collections searched when a query names none, in search order."
    )
    ivoid: Annotated[str, AfterValidator(_ivoid)] = Field(
        default="ivo://org.example/{repository}?repo={repository}&id={id}",
        description="The template of the IVOA identifiers of its datasets, with the placeholders {repository} (its label, which may be "
        "written out) and {id}. The authority should be one that you have registered.",
    )
    obscore: Path | None = Field(
        default=None,
        description="The file that says what its datasets are in ObsCore: one that lsst.dax.obscore takes (docs/obscore.md). A relative "
        "path begins at the folder of the configuration file. Left out: what is told from dimensions and storage classes.",
    )
    read: Groups | None = Field(
        default=None,
        description="The groups whose members may read it; * is every caller with a name. Left out: everybody who is let in. For all "
        "others it does not exist.",
    )
    write: Groups | None = Field(
        default=None,
        description="The groups whose members may write it, of those who may read it; * is every caller with a name. Left out: nobody.",
    )
    services: ServicesConfig = Field(
        default=ServicesConfig(), description="The IVOA services that know its datasets."
    )
    options: dict[str, Any] = Field(
        default={}, description="What only this adapter understands, as its own documentation says."
    )


class ServerConfig(_Group):
    """Where ``serve`` listens. The command line's --host, --port and --workers go above these."""

    host: str = Field(default="127.0.0.1", min_length=1, description="The address to listen on.")
    port: int = Field(default=8080, ge=0, le=65535, description="The port to listen on; 0 takes a free one.")
    workers: int = Field(default=1, ge=1, le=64, description="The number of processes that answer.")
    drain: int = Field(
        default=20,
        ge=1,
        le=3600,
        description="The seconds that requests in flight get to end in after SIGTERM.",
    )
    proxies: tuple[str, ...] = Field(
        default=("127.0.0.1",),
        description="The addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.",
    )
    plans: bool = Field(
        default=True,
        description="Whether documents are answered by plan, each field once for all objects of a level. Off: object by "
        "object, slower; the answers are the same.",
    )


class LogConfig(_Group):
    """What goes to standard error."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="The least level that is written."
    )
    format: Literal["json", "console", "auto"] = Field(
        default="auto", description="The form of a line. auto: console on a terminal, json elsewhere."
    )


class Config(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix=PREFIX,
        env_ignore_empty=True,
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    repositories: dict[Annotated[str, AfterValidator(_label)], RepositoryConfig] = Field(
        min_length=1, description="A mapping from labels to repositories, in search order."
    )
    auth: AuthConfig = Field(default=AuthConfig(), description="Who is calling.")
    limits: Annotated[Limits, AfterValidator(_pageable)] = Field(
        default=Limits(), description="The limits that every request is held to."
    )
    state: Path = Field(
        default=Path(".gateway"),
        description="The folder of caches that survive a restart. A relative path begins at the folder of the "
        "configuration file.",
    )
    public_url: Address | None = Field(
        default=None,
        description="The address under which clients reach the gateway, for the links in answers. Left out: what "
        "the request itself says.",
    )
    cors_origins: tuple[Annotated[str, AfterValidator(_origin)], ...] = Field(
        default=(), description="The origins of web pages elsewhere that may ask from a browser."
    )
    server: ServerConfig = Field(default=ServerConfig(), description="Where the command serve listens.")
    tables: TablesConfig = Field(default=TablesConfig(), description="Lists as tables, to download.")
    datalink: DatalinkConfig = Field(
        default=DatalinkConfig(), description="The gateway's own DataLink service."
    )
    discovery: DiscoveryConfig = Field(
        default=DiscoveryConfig(), description="Service discovery of the Rubin Science Platform."
    )
    results: ResultsConfig = Field(default=ResultsConfig(), description="Results that callers save.")
    log: LogConfig = Field(default=LogConfig(), description="What is written to standard error.")
    _folder: Path = PrivateAttr(default=Path())

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del env_settings, dotenv_settings, file_secret_settings  # one file, one environment, nothing hidden
        return _Environment(settings_cls, init_settings()), init_settings

    def settings_of(self, label: str) -> Settings:
        """What the adapter of one repository is given."""
        repository = self.repositories[label]
        return Settings(
            uri=repository.uri,
            description=repository.description,
            collections=repository.collections,
            ivoid=repository.ivoid,
            state=str(self.state / label),
            options=repository.options,
            folder=str(self._folder),
        )

    def anchored(self, folder: Path) -> Self:
        """The same with relative paths made absolute; ConfigError for a repository or a file that should be there and is
        not. Paths in options are the adapter's, which is told the folder."""
        repositories = {
            label: repository.model_copy(
                update={
                    "uri": _place(f"repositories.{label}.uri", repository, folder),
                    "obscore": _obscore(f"repositories.{label}.obscore", repository, folder),
                }
            )
            for label, repository in self.repositories.items()
        }
        results = self.results
        if results.folder is not None:
            results = results.model_copy(update={"folder": (folder / results.folder).absolute()})
        anchored = self.model_copy(
            update={
                "repositories": repositories,
                "results": results,
                "state": (folder / self.state).absolute(),
            }
        )
        anchored._folder = folder.absolute()
        return anchored


class _Environment(EnvSettingsSource):
    """The environment, its values read as YAML, its repositories matched with the labels of the file."""

    def __init__(self, settings_cls: type[BaseSettings], file: dict[str, Any]) -> None:
        super().__init__(settings_cls)
        repositories = file.get("repositories")
        self._labels = [str(label) for label in repositories] if isinstance(repositories, dict) else []

    def decode_complex_value(self, field_name: str, field: Any, value: Any) -> Any:
        del field_name, field
        try:
            return yaml.safe_load(value)
        except yaml.YAMLError:
            return value  # the check of its type then says what it should be

    def __call__(self) -> dict[str, Any]:
        found = super().__call__()
        given = found.get("repositories")
        if isinstance(given, dict):
            spelt = {re.sub(r"[^a-z0-9]", "_", label.casefold()): label for label in self._labels}
            found["repositories"] = {spelt.get(name, name): value for name, value in given.items()}
        return found


def load(file: Path) -> Config:
    """The settings of a file under those of the environment; ConfigError in one line where they cannot be used."""
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), UniqueKeys)  # noqa: S506  a SafeLoader
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: not UTF-8 text") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{file}: {broken_yaml(error)}") from error
    if content is not None and not isinstance(content, dict):
        raise ConfigError(f"{file}: it should be a mapping with the key repositories")
    try:
        return from_mapping(content or {}, file.absolute().parent)
    except ConfigError as error:
        raise ConfigError(str(error) if str(error).startswith(PREFIX) else f"{file}: {error}") from error


def from_mapping(content: dict[str, Any], folder: Path) -> Config:
    """The settings of a mapping, as the file would hold it, under those of the environment."""
    _check_variables()
    try:
        config = Config(**{str(key): value for key, value in content.items()})
    except ValidationError as error:
        line = first_mistake(error, Config)
        variable = PREFIX + line.split(":")[0].upper().replace(".", "__")
        raise ConfigError(f"{variable}: {line}" if variable in os.environ else line) from error
    for key, mistake in mistakes(config.auth, config.repositories):
        raise ConfigError(f"{key}: {mistake}")
    for label, repository in config.repositories.items():
        said = _said_by(repository.ivoid.replace("{repository}", label))
        if said is not None and said[0] != label:
            raise ConfigError(
                f"repositories.{label}.ivoid: it should name this repository, repo={label}, not repo={said[0]}"
            )
    return config.anchored(folder)


def _check_variables() -> None:
    """Refuse variables of our prefix that set nothing: pydantic-settings would not notice them."""
    for variable in sorted(os.environ):
        if not variable.startswith(PREFIX) or variable == CONFIG_VARIABLE:
            continue
        key = variable.removeprefix(PREFIX).lower().split("__")[0]
        if key not in Config.model_fields:
            raise ConfigError(f"{variable}: {unknown_key(key, Config.model_fields)}")


def _place(key: str, repository: RepositoryConfig, folder: Path) -> str:
    """The uri of a repository with a relative path made absolute; anything that is not a path stays as it is."""
    uri = repository.uri
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", uri) and not uri.startswith("file:"):
        return uri
    path = folder / Path(uri.removeprefix("file://")).expanduser()
    if path.exists():
        if repository.adapter == "butler" and path.is_dir() and not (path / "butler.yaml").is_file():
            raise ConfigError(
                f"{key}: it should be a Butler repository, but {str(path)!r} holds no butler.yaml"
            )
        return str(path)
    if repository.adapter != "butler" or ("/" not in uri and "DAF_BUTLER_REPOSITORY_INDEX" in os.environ):
        return uri  # another adapter's own word, or an alias that Butler looks up in its index
    raise ConfigError(
        f"{key}: it should be an existing Butler repository, but there is nothing at {str(path)!r}"
    )


def _obscore(key: str, repository: RepositoryConfig, folder: Path) -> Path | None:
    """The file about ObsCore with a relative path made absolute; it is read here only to be refused in time."""
    if repository.obscore is None:
        return None
    from gateway.tables.obscore.configuration import (
        read,  # it takes lsst.daf.butler, which others need not wait for
    )

    file = (folder / repository.obscore.expanduser()).absolute()
    try:
        read(file)
    except ConfigError as error:
        raise ConfigError(f"{key}: {error}") from error
    return file
