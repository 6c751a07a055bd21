"""What stands around the rows of a VOTable (IVOA VOTable 1.4, DALI 1.1 section 4.4): fields, frames, infos, service descriptors.

Built with the standard library's ElementTree and not with astropy's tree, because units, UCDs and lines of an INFO must come out as they
went in: astropy writes units anew, forgets newlines in attributes, and warns through state that all threads share.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import pyarrow as pa

from gateway.tables.table import Descriptor, Table, said

_NAMESPACE = "http://www.ivoa.net/xml/VOTable/v1.3"  # of all versions from 1.3 on
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, production 2
_NCNAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")

_ADDRESSES = frozenset({"meta.ref.url", "meta.ref.uri", "meta.ref.ivoid", "meta.ref.ivorn", "meta.code.mime"})
_NUMBERS = {
    "bool": "boolean",
    "uint8": "unsignedByte",
    "int8": "short",
    "int16": "short",
    "uint16": "int",
    "int32": "int",
    "uint32": "long",
    "int64": "long",
    "halffloat": "float",
    "float": "float",
    "double": "double",
}


@dataclass(frozen=True, slots=True)
class Around:
    """A document in parts: ``before`` the rows, ``between`` the last row and the end of the TABLE, ``after`` whatever is said behind
    the TABLE."""

    before: bytes
    between: bytes
    after: bytes


def around(table: Table) -> Around:
    """The document of a table whose rows are streamed as TABLEDATA."""
    root = _document(table)
    place = root.find(".//TABLE")
    assert place is not None
    SubElement(SubElement(place, "DATA"), "TABLEDATA").text = "\n"
    # Markup inside a text is escaped: what looks like a tag is one.
    before, _, rest = _written(root).partition(b"</TABLEDATA>")
    between, end, after = rest.partition(b"</TABLE>")
    return Around(before, b"</TABLEDATA>" + between + end + b"\n", after.lstrip())


def without_data(table: Table, overflow: str | None, longest: Mapping[str, int]) -> bytes:
    """The document without rows, for whoever keeps the rows elsewhere (VOParquet 1.0: in Parquet). ``longest``: how many characters the
    strings of a column have at most; astropy cannot join its metadata to its rows without."""
    root = _document(table, longest)
    results = root.find("RESOURCE")
    assert results is not None
    if overflow is not None:
        results.append(_info("QUERY_STATUS", "OVERFLOW", overflow))
    return _written(root)


def status(value: str, message: str) -> bytes:
    """The INFO behind a TABLE that says how the rows ended (DALI 1.1, sections 4.4.1 and 4.4.2): ERROR or OVERFLOW."""
    info: bytes = tostring(_info("QUERY_STATUS", value, message), encoding="utf-8")
    return info + b"\n"


def refusal(message: str) -> bytes:
    """A whole document that says why there is no table (DALI 1.1, section 4.2)."""
    root = _root()
    SubElement(root, "RESOURCE", type="results").append(_info("QUERY_STATUS", "ERROR", message))
    return _written(root)


CLOSED = b"</RESOURCE>\n</VOTABLE>\n"
"""Ends a document behind its TABLE."""


def ascii_only(column: pa.Field) -> bool:
    """Whether a column of text is ``char``, which is ASCII, rather than ``unicodeChar``.

    What is in the rows is not known when the field is declared, and UTF-8 in ``char`` is not legal before VOTable 1.5: so text is
    unicodeChar, unless its xtype (DALI 1.1, section 3.3) or its UCD says that it is ASCII by a standard of its own: instants, regions,
    URIs, media types. Readers take both for strings.
    """
    words = said(column)
    return (
        "xtype" in words
        or pa.types.is_temporal(column.type)
        or bool(_ADDRESSES & set(words.get("ucd", "").lower().split(";")))
    )


def clean(text: str) -> str:
    """``text`` with U+FFFD in the place of each character that no XML document can hold, not even by reference."""
    return _FORBIDDEN.sub("\ufffd", text)


def _root() -> Element:
    return Element("VOTABLE", {"version": "1.4", "xmlns": _NAMESPACE})


def _written(root: Element) -> bytes:
    indent(root, "")
    document: bytes = tostring(root, encoding="UTF-8", xml_declaration=True)
    return document + b"\n"


def _document(table: Table, longest: Mapping[str, int] = MappingProxyType({})) -> Element:
    """Identifiers are the names of the columns, where they can be, and else like them; what else needs one makes way."""
    taken: set[str] = set()
    names = table.schema.names
    made = {
        place: _unique(_like(name), taken)
        for place, name in sorted(enumerate(names), key=lambda one: not _NCNAME.fullmatch(one[1]))
    }
    ids = [made[place] for place in range(len(names))]
    services = [_unique(descriptor.id, taken) for descriptor in table.descriptors]
    frame, clock = _unique("ICRS", taken), _unique("UTC", taken)
    frames = [_frame(column, frame, clock) for column in table.schema]

    root = _root()
    results = SubElement(root, "RESOURCE", type="results")
    results.append(_info("QUERY_STATUS", "OK"))
    results.extend(_info(name, value) for name, value in table.infos.items())
    if frame in frames:
        SubElement(results, "COOSYS", ID=frame, system="ICRS")
    if clock in frames:
        # The schema wants a place; the times are the observatory's own.
        SubElement(
            results, "TIMESYS", ID=clock, timeorigin="MJD-origin", timescale="UTC", refposition="TOPOCENTER"
        )
    place = SubElement(results, "TABLE", name=clean(table.name))
    _describe(place, table.description)
    for column, id, ref in zip(table.schema, ids, frames, strict=True):
        _field(place, column, id, ref, longest.get(column.name))
    references = dict(zip(table.schema.names, ids, strict=True))
    for descriptor, id in zip(table.descriptors, services, strict=True):
        _service(root, descriptor, id, references)
    return root


def _field(place: Element, column: pa.Field, id: str, ref: str | None, longest: int | None) -> None:
    words = said(column)
    datatype, arraysize = _datatype(column)
    if longest is not None:
        arraysize = f"{longest}*"
    if "xtype" not in words and (pa.types.is_timestamp(column.type) or pa.types.is_date(column.type)):
        words["xtype"] = "timestamp"
    attributes = {
        "ID": id,
        "name": clean(column.name),
        "datatype": datatype,
        "arraysize": arraysize,
        "ref": ref,
    }
    attributes |= {key: words[key] for key in ("unit", "ucd", "utype", "xtype") if key in words}
    _describe(_with(place, "FIELD", attributes), words.get("description"))


def _datatype(column: pa.Field) -> tuple[str, str | None]:
    type = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if (number := _NUMBERS.get(str(type))) is not None:
        return number, None
    plain = (
        ascii_only(column) or pa.types.is_null(type) or pa.types.is_integer(type) or pa.types.is_decimal(type)
    )
    return ("char" if plain else "unicodeChar"), "*"


def _frame(column: pa.Field, frame: str, clock: str) -> str | None:
    words = said(column)
    ucd = words.get("ucd", "").lower()
    if ucd.startswith(("pos.eq", "pos.outline")):
        return frame
    if ucd.startswith(("time.start", "time.end", "time.epoch")) and words.get("unit") == "d":
        return clock
    return None


def _service(root: Element, descriptor: Descriptor, id: str, references: Mapping[str, str]) -> None:
    """DataLink 1.1, section 4.1. A parameter that takes its value from a column has no value of its own."""
    service = SubElement(
        root, "RESOURCE", type="meta", utype="adhoc:service", ID=id, name=clean(descriptor.id)
    )
    _describe(service, descriptor.description)
    facts = {
        "standardID": descriptor.standard,
        "accessURL": descriptor.access_url,
        "contentType": descriptor.content_type,
    }
    for name, value in facts.items():
        if value is not None:
            SubElement(service, "PARAM", name=name, datatype="char", arraysize="*", value=clean(value))
    inputs = SubElement(service, "GROUP", name="inputParams")
    for parameter in descriptor.parameters:
        attributes = {
            "name": parameter.name,
            "datatype": parameter.datatype,
            "arraysize": parameter.arraysize,
            "value": parameter.value,
            "unit": parameter.unit,
            "ucd": parameter.ucd,
            "xtype": parameter.xtype,
            "ref": references[parameter.ref] if parameter.ref is not None else None,
        }
        _describe(_with(inputs, "PARAM", attributes), parameter.description)


def _with(place: Element, tag: str, attributes: Mapping[str, str | None]) -> Element:
    return SubElement(
        place, tag, {key: clean(value) for key, value in attributes.items() if value is not None}
    )


def _describe(place: Element, description: str | None) -> None:
    if description:
        SubElement(place, "DESCRIPTION").text = clean(description)


def _info(name: str, value: str, text: str | None = None) -> Element:
    info = Element("INFO", name=clean(name), value=clean(value))
    info.text = None if text is None else clean(text)
    return info


def _like(name: str) -> str:
    """An XML identifier made from a name as astropy makes it (``xmlutil.fix_id``), whose tables call their columns by it."""
    begun = name if re.match(r"[A-Za-z_]", name) else f"_{name}"
    return re.sub(r"[^A-Za-z0-9_.-]", "_", begun)


def _unique(wanted: str, taken: set[str]) -> str:
    """An XML identifier that nothing in the document has yet."""
    wanted = wanted if _NCNAME.fullmatch(wanted) else "id"
    id, count = wanted, 1
    while id in taken:
        count += 1
        id = f"{wanted}_{count}"
    taken.add(id)
    return id
