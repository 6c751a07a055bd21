"""What programs say that nobody here wrote: STILTS on every table in VOTable and FITS."""

from __future__ import annotations

import csv
import subprocess
from pathlib import Path

import pytest

from tests.content.asking import Contents

TABLES = ["astropy", "frame", "levels", "empty", "ecsv"]


def stilts(*words: object) -> str:
    done = subprocess.run(
        ["stilts", *map(str, words)], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", TABLES)
def test_votlint_has_nothing_to_say(contents: Contents, tmp_path: Path, name: str) -> None:
    (tmp_path / "t.vot").write_bytes(contents.content(name, "VOTABLE"))
    assert stilts("votlint", "ucd=true", "unit=true", tmp_path / "t.vot") == ""


@pytest.mark.parametrize("name", ["astropy", "frame", "levels"])
def test_fits_has_the_rows_of_votable(contents: Contents, tmp_path: Path, name: str) -> None:
    rows = []
    for form, kind in (("FITS", "fits"), ("VOTABLE", "votable")):
        (tmp_path / kind).write_bytes(contents.content(name, form))
        stilts("tpipe", f"in={tmp_path / kind}", f"ifmt={kind}", f"out={tmp_path / kind}.csv", "ofmt=csv")
        with (tmp_path / f"{kind}.csv").open(encoding="utf-8", errors="replace", newline="") as file:
            rows.append(list(csv.reader(file)))
    binary, text = rows
    assert len(binary) == len(text)
    plain = [
        place
        for place in range(len(text[0]))
        if all(row[place].isascii() and row[place][:1] not in ("[", "(") for row in text[1:] + binary[1:])
    ]
    assert plain
    for one, other in zip(binary[1:], text[1:], strict=True):
        assert [one[place] for place in plain] == [other[place] for place in plain]
