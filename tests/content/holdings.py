"""A real repository that holds real tables and structures, one of each storage class that is kept in a form of its own, and what must not be read."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from astropy import units as u
from astropy.io import fits
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time
from lsst.daf.butler import Butler, Config, DatasetRef, DatasetType, FileDataset
from lsst.daf.butler.tests import MetricsExample

RUN = "tables"
JSON = "lsst.daf.butler.formatters.json.JsonFormatter"
YAML = "lsst.daf.butler.formatters.yaml.YamlFormatter"
ECSV = "lsst.daf.butler.formatters.astropyTable.AstropyTableFormatter"
PICKLE = "lsst.daf.butler.formatters.pickle.PickleFormatter"
PARQUET = "lsst.daf.butler.formatters.parquet.ParquetFormatter"

ROWS = 5


def astropy_table() -> Table:
    table = Table(
        {
            "id": np.array([1, 2, 3, 2**62, -5], np.int64),
            "ra": np.array([10.5, 11.25, np.nan, 13.0, -0.0]) * u.deg,
            "mag": np.array([20.5, 21.0, 22.25, 23.0, np.inf], np.float32),
            "name": ["α Cen", 'a,"b"', "", "<&>", "naïve"],
            "good": [True, False, True, True, False],
            "shape": np.arange(30, dtype=np.float64).reshape(5, 2, 3),
            "small": np.array([0, 1, 65535, 3, 4], np.uint16),
        }
    )
    table["count"] = MaskedColumn([1, 2, 3, 4, 5], mask=[False, True, False, False, True], dtype=np.int32)
    table["ra"].description = "Right ascension (ICRS)"
    table["mag"].unit = "mag"
    table["name"].description = "Ein Name — mit Strich"
    return table


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "flux": [1.5, 2.5, np.nan],
            "label": ["é", None, "z"],
            "flag": [True, False, True],
            "numbers": [[1, 2], [], [3]],
            "day": pd.to_datetime(["2015-01-21", "2016-02-29", None]),
        },
        index=pd.Index([7, 8, 9], name="source"),
    )


def levels() -> pd.DataFrame:
    columns = pd.MultiIndex.from_tuples(
        [("meas", "g", "x"), ("meas", "g", "y")], names=["dataset", "filter", "column"]
    )
    return pd.DataFrame(np.array([[1.0, 2.0], [3.0, 4.0]]), columns=columns)


def arrow_table() -> pa.Table:
    return pa.table(
        {
            "big": pa.array([2**63 - 1, None, -(2**63) + 1], pa.int64()),
            "huge": pa.array([2**64 - 1, 0, None], pa.uint64()),
            "byte": pa.array([None, 255, 0], pa.uint8()),
            "tiny": pa.array([-128, 127, 0], pa.int8()),
            "yes": pa.array([True, None, False]),
            "text": pa.array(["x", None, "ü"]),
            "kind": pa.array(["a", "b", "a"]).dictionary_encode(),
            "list": pa.array([[1, 2, 3], [], None], pa.list_(pa.int32())),
            "pair": pa.array([[1.0, 2.0], None, [3.0, 4.0]], pa.list_(pa.float64(), 2)),
            "when": pa.array([0, None, 10**15], pa.timestamp("us")),
        }
    )


def numpy_table() -> np.ndarray[Any, Any]:
    kind = [("i", "i4"), ("x", "f8"), ("word", "U5"), ("bytes", "S4")]
    return np.array([(1, 0.5, "one", b"ab"), (2, 1.5, "zwölf", b"abcd")], dtype=kind)


def ecsv_table() -> Table:
    table = Table({"n": MaskedColumn([1, 2, 3], mask=[False, True, False]), "words": ["a b", "ß", "c"]})
    table["n"].unit = "adu"
    table["n"].description = "Counts"
    table["list"] = np.array([[1, 2], [3], [4, 5, 6]], dtype=object)
    table["at"] = Time(["2015-01-21T00:00:00", "2016-01-01T12:00:00", "2017-06-30T23:59:59"], scale="utc")
    return table


def quantities() -> QTable:
    return QTable({"d": [1.0, 2.0] * u.kpc, "v": [3.0, 4.0] * u.km / u.s})


STRUCTURE = {
    "name": "π",
    "values": [1, 2.5, True, None, "x"],
    "deep": {"a": {"b": [1, {"c": 2**70}]}},
    "not a number": float("nan"),
}

LONG = 200_000


def long_table() -> pa.Table:
    count = np.arange(LONG)
    return pa.table({"n": count, "x": count * 0.5, "word": [f"w{n % 97}" for n in range(LONG)]})


PUT: dict[str, tuple[str, Any]] = {
    "astropy": ("ArrowAstropy", astropy_table),
    "frame": ("DataFrame", frame),
    "levels": ("DataFrame", levels),
    "arrow": ("ArrowTable", arrow_table),
    "numpy": ("ArrowNumpy", numpy_table),
    "dict": ("ArrowNumpyDict", lambda: {"a": np.arange(3), "b": np.array(["x", "y", "é"])}),
    "empty": ("ArrowAstropy", lambda: astropy_table()[:0]),
    "long": ("ArrowTable", long_table),
    "gone": ("ArrowAstropy", astropy_table),
    "ecsv": ("AstropyTable", ecsv_table),
    "quantities": ("AstropyQTable", quantities),
    "structure": ("StructuredDataDict", lambda: STRUCTURE),
    "list": ("StructuredDataList", lambda: [1, {"a": "ä"}]),
    "number": ("int", lambda: 7),
}


class Trap:
    """Whoever loads its pickle makes a folder."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.folder,)


def traps(folder: Path, sprung: Path) -> dict[str, tuple[str, str, Path]]:
    """Storage class, formatter and file of what would do something if it were loaded as what it says."""
    pickled, tagged, objects = folder / "trap.pickle", folder / "trap.yaml", folder / "trap.ecsv"
    pickled.write_bytes(pickle.dumps(Trap(str(sprung))))
    tagged.write_text(f"a: !!python/object/apply:os.mkdir ['{sprung}']\n")
    objects.write_text(
        "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: a, datatype: int64}\n# meta: !!omap\n# - x: !numpy.ndarray\n"
        "#     buffer: !!binary |\n#       MTIzNDU2Nzg=\n#     dtype: object\n#     order: C\n#     shape: !!python/tuple [1]\n"
        "# schema: astropy-2.0\na\n1\n"
    )
    image = folder / "image.fits"
    fits.PrimaryHDU(np.arange(12, dtype=np.int16).reshape(3, 4)).writeto(image)
    broken = folder / "broken.parq"
    broken.write_bytes(b"PAR1 and nothing else")
    torn = folder / "torn.parq"
    pq.write_table(long_table(), torn, row_group_size=20_000, compression="snappy")
    group = pq.read_metadata(torn).row_group(7).column(1)
    content = bytearray(torn.read_bytes())
    place = group.data_page_offset + 64
    content[place : place + 4096] = b"\xff" * 4096
    torn.write_bytes(content)
    bomb = folder / "bomb.yaml"
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    bomb.write_text("\n".join(lines))
    deep = folder / "deep.yaml"
    deep.write_text(f"a: {'[' * 200_000}{']' * 200_000}")
    deep_json = folder / "deepjson.json"
    deep_json.write_text("[" * 100_000 + "]" * 100_000)
    headed = folder / "headed.parq"
    header = f"datatype:\n- {{name: a, datatype: int64, description: {'[' * 200_000}{']' * 200_000}}}"
    pq.write_table(pa.table({"a": [1, 2]}).replace_schema_metadata({"table_meta_yaml": header}), headed)
    large = folder / "large.yaml"
    large.write_text("".join(f"k{n}: {n}\n" for n in range(500_000)))
    return {
        "deep": ("StructuredDataDict", YAML, deep),
        "deepjson": ("StructuredDataDict", JSON, deep_json),
        "headed": ("ArrowAstropy", PARQUET, headed),
        "large": ("StructuredDataDict", YAML, large),
        "pickled": ("NumpyArray", PICKLE, pickled),
        "disguised": ("StructuredDataDict", PICKLE, pickled),
        "tagged": ("StructuredDataDict", YAML, tagged),
        "objects": ("AstropyTable", ECSV, objects),
        "broken": ("ArrowAstropy", PARQUET, broken),
        "torn": ("ArrowTable", PARQUET, torn),
        "bomb": ("StructuredDataDict", YAML, bomb),
        "image": ("ExposureF", "tests.content.images.ImageFormatter", image),
    }


PARTS = {"data": [3, 4, None], "output": {"b": [1, 2], "c": "ü"}, "summary": {"a": 1}}
"""The components of a dataset that is stored in a file for each of them."""

_PARTED = {
    "pytype": "lsst.daf.butler.tests.MetricsExample",
    "delegate": "lsst.daf.butler.tests._examplePythonTypes.MetricsDelegate",
    "components": {
        "data": "StructuredDataList",
        "output": "StructuredDataDict",
        "summary": "StructuredDataDict",
    },
}


def build(root: Path, files: Path, sprung: Path) -> dict[str, str]:
    """Make the repository in ``root``; the dataset of each type, by its id."""
    config = Config()
    config["datastore", "formatters", "StructuredDataList"] = JSON
    config["storageClasses", "Parted"] = _PARTED
    config["datastore", "composites", "disassembled", "Parted"] = True
    Butler.makeRepo(root, config=config)
    found: dict[str, str] = {}
    with Butler.from_config(str(root), writeable=True, run=RUN) as butler:
        none = butler.dimensions.conform(())
        for name, (storage_class, make) in PUT.items():
            kind = DatasetType(name, none, storageClass=storage_class)
            butler.registry.registerDatasetType(kind)
            ref = butler.put(make(), name)
            found[name] = str(ref.id)
            if name == "gone":
                Path(butler.getURI(ref).ospath).unlink()
        for name, (storage_class, formatter, file) in traps(files, sprung).items():
            kind = DatasetType(name, none, storageClass=storage_class)
            butler.registry.registerDatasetType(kind)
            ref = DatasetRef(kind, butler.registry.expandDataId({}), run=RUN)
            butler.ingest(FileDataset(path=str(file), refs=[ref], formatter=formatter), transfer="copy")
            found[name] = str(ref.id)
        parted = DatasetType("parted", none, storageClass="Parted")
        butler.registry.registerDatasetType(parted)
        found["parted"] = str(butler.put(MetricsExample(**PARTS), "parted").id)
        absent = DatasetType("unheard", none, storageClass="StructuredDataDict")
        butler.registry.registerDatasetType(absent)
        (ref,) = butler.registry.insertDatasets(absent, [{}], run=RUN)
        found["unheard"] = str(ref.id)
    (files / "ids.json").write_text(json.dumps(found))
    return found
