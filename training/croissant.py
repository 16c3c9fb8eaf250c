"""Croissant 1.0, MLCommons' description of data sets in JSON-LD, of the tables that elyte compiled and ships.

https://docs.mlcommons.org/croissant/docs/croissant-spec.html
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from training.embedded_tables import CellType, EmbeddedTable

CROISSANT_FILE = "croissant.json"
CONFORMS_TO = "http://mlcommons.org/croissant/1.0"
LICENCE = "https://spdx.org/licenses/MIT.html"
DATA_TYPES = {CellType.TEXT: "sc:Text", CellType.NUMBER: "sc:Float", CellType.WHOLE_NUMBER: "sc:Integer"}
# As the specification prints it; readers compare it.
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def croissant_document(tables: Sequence[EmbeddedTable], version: str, published: str) -> dict[str, Any]:
    """Return the JSON-LD document of some tables, which lie beside it as `KEY.csv`.

    Parameters
    ----------
    tables
        Those to describe.
    version
        Of elyte, which they come with: three numbers with points between.
    published
        Day of this release, YYYY-MM-DD.
    """
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": "elyte-embedded-tables",
        "description": "Measured and published properties of lithium solid electrolytes, compiled for elyte: numbers,"
        " formulas, conditions and the source of each row.",
        "conformsTo": CONFORMS_TO,
        "license": LICENCE,
        "citeAs": "The elyte authors: elyte, calibrated prediction of solid electrolytes; and the source of each row.",
        "creator": {"@type": "sc:Organization", "name": "The elyte authors"},
        "version": version,
        "datePublished": published,
        "distribution": [_file(table) for table in tables],
        "recordSet": [_records(table) for table in tables],
    }


def write_croissant(folder: Path, document: dict[str, Any], tables: Sequence[EmbeddedTable]) -> Path:
    """Write a document with its tables into a folder, which is made where absent; return the document's file."""
    import json

    folder.mkdir(parents=True, exist_ok=True)
    for table in tables:
        shutil.copyfile(table.path, folder / _name(table))
    target = folder / CROISSANT_FILE
    target.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return target


def _name(table: EmbeddedTable) -> str:
    return f"{table.key}.csv"


def _file(table: EmbeddedTable) -> dict[str, Any]:
    content = table.path.read_bytes()
    return {
        "@type": "cr:FileObject",
        "@id": _name(table),
        "name": _name(table),
        "description": table.title,
        "contentUrl": _name(table),
        "contentSize": f"{len(content)} B",
        "encodingFormat": "text/csv",
        "sha256": sha256(content).hexdigest(),
    }


def _records(table: EmbeddedTable) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": table.key,
        "name": table.key,
        "description": table.title,
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{table.key}/{column.name}",
                "name": column.name,
                "description": column.expected or column.name,
                "dataType": DATA_TYPES[column.type],
                "source": {"fileObject": {"@id": _name(table)}, "extract": {"column": column.name}},
            }
            for column in table.columns()
        ],
    }
