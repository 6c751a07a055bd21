"""The test repositories hold what the other tests rely on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .repositories import TYPES, Repository, every


@pytest.mark.parametrize(
    ("kind", "universe"), [("sqlite", 5), ("sqlite", 7), ("sqlite", 8), ("postgres", 5), ("postgres", 8)]
)
def test_every_type_has_datasets(kind: str, universe: int, butler_repo: Callable[..., Repository]) -> None:
    counts = every(butler_repo(kind, universe))
    assert counts.pop("neverStored") == 0
    assert set(counts) | {"neverStored"} == set(TYPES)
    assert all(counts.values()), counts
    assert sum(counts.values()) > 300, counts


def test_a_storage_class_is_unknown(butler_repo: Callable[..., Repository]) -> None:
    dataset_type = butler_repo().butler().get_dataset_type("mystery")
    assert dataset_type.storageClass_name == "_mock_Unheard"
    with pytest.raises(KeyError):
        dataset_type.storageClass  # noqa: B018
