"""Why a dataset has no association: what the sentences say is so, by the registry's tables and by Butler's public API alike."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from adapters.butler import open_repository
from adapters.butler.api import ButlerApi
from adapters.caller import Call
from adapters.errors import BadUserInput
from adapters.protocol import Settings
from adapters.question import Constraint, Datasets, Kinship, Op, Page, Related
from adapters.rows import Rows

from .asker import DEFAULTS
from .repositories import TYPES, Repository

Explain = Callable[[Related], list[str]]
TIMELESS = sorted(name for name, (names, *_) in TYPES.items() if not {"exposure", "visit"} & {*names})


class Explained:
    """A repository that is asked, and says why in both ways; both must say the same."""

    def __init__(self, repository: Repository) -> None:
        self.runner = asyncio.Runner()
        self.opened = open_repository(repository.name, Settings(repository.uri, collections=DEFAULTS))
        self.api = ButlerApi(repository.butler, repository.name, DEFAULTS)

    def ask(self, question: Any) -> Rows:
        return self.runner.run(self.opened.ask(question, Call()))

    def why(self, question: Related) -> list[str]:
        told = self.runner.run(self.opened.explain(question, Call()))
        assert self.api.explain(question, Call()) == told
        return told

    def of(
        self, source: str, *types: str, run: str = "*", **more: Any
    ) -> list[tuple[dict[str, Any], Related]]:
        """The question for every dataset of a type: its data ID, and the question."""
        rows = self.ask(Datasets((source,), (run,), find_first=False, page=Page(1000)))
        required, places = rows.types[source].required, rows.places
        found = []
        for row in rows.rows:
            key = tuple(row[places[name]] for name in required)
            question = Related(required, (key,), types, source, (row[places["id"]],), **more)
            found.append((dict(zip(required, key, strict=True)), question))
        return found


@pytest.fixture(scope="module")
def lab(butler_repo: Callable[..., Repository]) -> Iterator[Explained]:
    explained = Explained(butler_repo("sqlite", seed=1))
    yield explained
    explained.runner.run(explained.opened.close())
    explained.runner.close()


def test_types_that_cannot_be_tied_are_named_in_one_sentence(lab: Explained) -> None:
    (_, question), *_ = lab.of("deepCoadd", "*", by=Kinship.TEMPORAL)
    (said,) = lab.why(question)
    assert said.startswith(
        "It cannot be tied by TEMPORAL to datasets of the types 'Warp', 'bias', 'calexp', "
    )
    assert all(f"'{name}'" in said for name in TYPES)
    (_, question), *_ = lab.of("raw", "*", by=Kinship.TEMPORAL, collections=("u/empty",))
    untied, missing = lab.why(question)
    assert [name for name in TYPES if f"'{name}'" in untied] == [name for name in TYPES if name in TIMELESS]
    assert {name for name in TYPES if f"'{name}'" in missing} == TYPES.keys() - {*TIMELESS}
    assert missing.startswith("None of the collections searched holds datasets of the types ")


def test_one_type_that_cannot_be_tied_says_why_as_if_it_were_named(lab: Explained) -> None:
    for pattern, name, by in (("fl?t", "flat", None), ("pack*", "packages", Kinship.SPATIAL)):
        (_, question), *_ = lab.of("deepCoadd", pattern, by=by)
        (_, exact), *_ = lab.of("deepCoadd", name, by=by)
        with pytest.raises(BadUserInput) as refused:
            lab.ask(exact)
        (said,) = lab.why(question)
        assert said.casefold() == refused.value.message.casefold()
        assert "possible is by: " in said


def test_types_without_a_dimension_of_data_id_are_not_called_missing(lab: Explained) -> None:
    nowhere = (Constraint("patch", Op.EQ, 10**6),)
    (_, question), *_ = lab.of("raw", "raw", "deepC*", "calex*", "sr*", constraints=())
    assert lab.why(question) == []  # there are some
    (_, question), *_ = lab.of("raw", "calex*", "sr*", constraints=nowhere, collections=("u/empty",))
    (said,) = lab.why(question)
    assert said == "dataId names what datasets of the types 'calexp', 'src' do not have."


def test_a_glob_that_matches_no_type_says_so(lab: Explained) -> None:
    (_, question), *_ = lab.of("raw", "x*", "*y*z")
    name = lab.opened.name
    assert lab.why(question) == [
        f"No dataset type of repository '{name}' matches 'x*'.",
        f"No dataset type of repository '{name}' matches '*y*z'.",
    ]


def test_what_overlaps_in_another_band_is_not_denied(lab: Explained) -> None:
    """Of a patch one band's coadd has images, so that its region has: of the others the sentence is true too."""
    tied: dict[tuple[Any, ...], list[bool]] = {}
    asked = lab.of("deepCoadd", "calexp", run="HSC/runs/w01", collections=("HSC/runs/w01",))
    for data_id, question in asked:
        said = lab.why(question)
        assert said in (
            [],
            ["No dataset of type 'calexp' with the same band overlaps its region in HSC/runs/w01."],
        )
        tied.setdefault((data_id["skymap"], data_id["tract"], data_id["patch"]), []).append(not said)
    assert any({*bands} == {True, False} for bands in tied.values())
    # They have nothing in common besides the sky.
    reasons = [lab.why(question) for _, question in lab.of("gaia_dr3", "calexp", by=Kinship.SPATIAL)]
    told = [reason for (reason,) in filter(None, reasons)]
    assert told
    assert all(reason.startswith("No dataset of type 'calexp' overlaps its region in ") for reason in told)


def test_time_has_sentences_of_its_own(lab: Explained) -> None:
    said = [lab.why(question) for _, question in lab.of("raw", "calexp", by=Kinship.TEMPORAL)]
    unknown = "Its time is not recorded, so that nothing can be said to have been observed then."
    begin = "No dataset of type 'calexp' was observed in its time, [20"
    told = [one for (one,) in filter(None, said)]
    assert unknown in told
    assert any(one.startswith(begin) for one in told)
    assert all(one == unknown or (one.startswith(begin) and " in HSC/runs/w02, " in one) for one in told)


def test_types_with_the_same_reason_share_a_sentence(lab: Explained) -> None:
    asked = lab.of("raw", "calexp", "src", by=Kinship.TEMPORAL, collections=("HSC/runs/w01",))
    said = [sentences for _, question in asked if (sentences := lab.why(question))]
    assert any(" of the types 'calexp', 'src' was observed " in sentence for (sentence,) in said)
