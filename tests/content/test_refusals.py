"""What cannot be had is refused by name, and nothing that a file says is executed."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
from astropy.io import fits

from tests.content.asking import Contents
from tests.content.conftest import TOKEN
from tests.content.holdings import Trap

CONVERTED = ["VOTABLE", "PARQUET", "ARROW", "CSV", "ECSV", "FITS", "JSON"]


def test_the_trap_works(tmp_path: Path) -> None:
    """Or the next test would say nothing."""
    pickle.loads(pickle.dumps(Trap(str(tmp_path / "sprung"))))
    assert (tmp_path / "sprung").is_dir()


@pytest.mark.parametrize("form", CONVERTED)
@pytest.mark.parametrize("name", ["pickled", "disguised", "tagged", "objects", "broken", "image"])
def test_nothing_is_built_from_what_is_no_plain_data(
    contents: Contents, sprung: Path, name: str, form: str
) -> None:
    refused = contents.refusal(name, form, 501)
    assert (refused["code"], refused["forms"]) == ("UNSUPPORTED", ["NATIVE"])
    assert "/" not in refused["message"]
    assert not sprung.exists()


@pytest.mark.parametrize("name", ["pickled", "disguised", "tagged", "objects", "broken", "image"])
def test_it_can_be_had_as_it_is(contents: Contents, home: Path, name: str) -> None:
    (file,) = [one for one in (home / "repository").rglob(f"*{name}_*") if one.is_file()]
    assert contents.content(name, "NATIVE") == file.read_bytes()


def test_what_an_image_holds_is_the_image(contents: Contents, tmp_path: Path) -> None:
    (tmp_path / "image.fits").write_bytes(contents.content("image", "NATIVE"))
    assert fits.getdata(tmp_path / "image.fits").shape == (3, 4)


@pytest.mark.parametrize("name", ["deep", "deepjson"])
def test_a_structure_that_is_too_deep_ends_nothing(contents: Contents, name: str) -> None:
    """Loaded by its library alone, it would end the process."""
    assert contents.refusal(name, "JSON", 501)["forms"] == ["NATIVE"]
    assert json.loads(contents.content("number", "JSON")) == 7


def test_a_header_that_is_too_deep_is_passed_over(contents: Contents) -> None:
    assert json.loads(contents.content("headed", "JSON")) == [{"a": 1}, {"a": 2}]


def test_what_is_too_large_to_be_read_whole_is_refused(contents: Contents) -> None:
    refused = contents.refusal("large", "JSON", 400)
    assert (refused["code"], refused["forms"]) == ("QUERY_TOO_COMPLEX", ["NATIVE"])
    assert refused["actual"] > refused["limit"]


def test_a_structure_that_grows_when_it_is_written_out_is_refused(contents: Contents) -> None:
    refused = contents.refusal("bomb", "JSON", 400)
    assert (refused["code"], refused["what"], refused["forms"]) == (
        "QUERY_TOO_COMPLEX",
        "content",
        ["NATIVE"],
    )


@pytest.mark.parametrize("name", ["structure", "list", "number"])
@pytest.mark.parametrize("form", [form for form in CONVERTED if form != "JSON"])
def test_a_structure_is_no_table(contents: Contents, name: str, form: str) -> None:
    refused = contents.refusal(name, form, 501)
    assert (refused["code"], refused["forms"]) == ("UNSUPPORTED", ["NATIVE", "JSON"])


def test_a_structure_has_no_columns(contents: Contents) -> None:
    assert contents.refusal("structure", "JSON", 400, columns="a")["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("form", [None, "NATIVE", "CSV", "PARQUET"])
@pytest.mark.parametrize("name", ["gone", "unheard", "00000000-0000-0000-0000-000000000000"])
def test_a_file_that_is_not_there_is_not_found(contents: Contents, name: str, form: str | None) -> None:
    refused = contents.refusal(name, form, 404)
    assert (refused["code"], refused["message"]) == ("NOT_FOUND", "There is no file here.")


@pytest.mark.parametrize("form", ["NATIVE", "CSV", "JSON"])
def test_a_hidden_repository_answers_as_one_that_is_not_there(contents: Contents, form: str) -> None:
    hidden = contents.get("astropy", form, "hidden")
    absent = contents.get("astropy", form, "absent")
    assert (hidden.status_code, hidden.content) == (absent.status_code, absent.content)
    assert hidden.status_code == 404
    seen = contents.get("astropy", form, "hidden", token=TOKEN)
    assert seen.status_code == 200 and seen.content == contents.content("astropy", form)
    wrong = contents.get("astropy", form, "hidden", token=TOKEN[:-1] + "0")
    assert wrong.status_code == 401 and TOKEN[:-1] not in wrong.text


@pytest.mark.parametrize(
    ("query", "nearest"),
    [
        ("form=PARKET", "PARQUET"),
        ("form=CSV&colums=id", "columns"),
        ("form=CSV&form=JSON", None),
        ("form=CSV&component=../../butler.yaml", None),
        ("columns=id", None),
        ("form=native&columns=id", None),
    ],
)
def test_an_address_that_is_wrong_says_how_it_would_be_right(
    contents: Contents, query: str, nearest: str | None
) -> None:
    response = contents.http.get(f"/content/tables/{contents.ids['astropy']}?{query}")
    (error,) = response.json()["errors"]
    assert (response.status_code, error["extensions"]["code"]) == (400, "BAD_USER_INPUT")
    if nearest is not None:
        assert nearest in error["extensions"]["nearest"]


def test_names_of_parameters_and_forms_have_no_case(contents: Contents) -> None:
    response = contents.http.get(f"/content/tables/{contents.ids['numpy']}?FORM=csv&Columns=i")
    assert response.text.splitlines() == ["i", "1", "2"]


@pytest.mark.parametrize(
    "path", ["tables/gen3.sqlite3", "tables/..%2fbutler.yaml", "tables/{id}/..", "..%2f/{id}"]
)
def test_a_path_leads_to_nothing_else(contents: Contents, path: str) -> None:
    response = contents.http.get(f"/content/{path.replace('{id}', contents.ids['astropy'])}?form=JSON")
    assert response.status_code in (400, 404)
