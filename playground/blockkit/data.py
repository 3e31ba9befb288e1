"""Tables and charts: blocks with rows, and what must agree within them.

Rules that no single field shows, such as rows of the same length, are functions after the shape: they return faults
with a pointer to the place.
"""

from __future__ import annotations

from typing import Any

from blocks.kit import limits
from playground.blockkit.checks import (
    choice,
    flag,
    integer,
    items,
    kinds,
    nullable,
    number,
    shape,
    text,
)
from playground.blockkit.fault import NO_FAULTS, Check, Faults, refusal
from playground.blockkit.rich_text import RICH_TEXT

Json = dict[str, Any]

BLOCK_ID = {"block_id": text(limits.BLOCK_ID)}
RAW_TEXT = shape("raw_text", {"text": text()})
RAW_NUMBER = shape("raw_number", {"value": number(), "text": text()})
HEADER_CELL = kinds({"raw_text": RAW_TEXT, "raw_number": RAW_NUMBER})
CELL = kinds({"raw_text": RAW_TEXT, "raw_number": RAW_NUMBER, "rich_text": RICH_TEXT})

TABLE = shape(
    "table",
    {"rows": items(items(CELL, limits.TABLE_COLUMNS), limits.TABLE_ROWS)},
    {
        "column_settings": items(
            nullable(shape(None, {}, {"align": choice("left", "center", "right"), "is_wrapped": flag})),
            limits.TABLE_COLUMNS,
        ),
        **BLOCK_ID,
    },
)


def _header(table: Json) -> Faults:
    return items(HEADER_CELL, limits.DATA_TABLE_COLUMNS)(table["rows"][0]) and refusal(
        "must hold raw_text or raw_number only, because it is the header", "/rows/0"
    )


def _rectangular(table: Json) -> Faults:
    width = len(table["rows"][0])
    odd = [index for index, row in enumerate(table["rows"]) if len(row) != width]
    return refusal(f"must have {width} cells, as the header has", f"/rows/{odd[0]}") if odd else NO_FAULTS


def _row_header(table: Json) -> Faults:
    width = len(table["rows"][0])
    inside = table.get("row_header_column_index", 0) < width
    return NO_FAULTS if inside else refusal(f"must be a column, from 0 to {width - 1}", "/row_header_column_index")


DATA_TABLE = shape(
    "data_table",
    {
        "caption": text(),
        "rows": items(items(CELL, limits.DATA_TABLE_COLUMNS), limits.DATA_TABLE_ROWS, least=2),
    },
    {
        "page_size": integer(1, limits.DATA_TABLE_PAGE),
        "row_header_column_index": integer(0, limits.DATA_TABLE_COLUMNS - 1),
        **BLOCK_ID,
    },
    _header,
    _rectangular,
    _row_header,
)


LABEL = text(limits.CHART_LABEL)


def _unique_names(chart: Json) -> Faults:
    names = [series["name"] for series in chart["series"]]
    return NO_FAULTS if len(set(names)) == len(names) else refusal("must have names that differ", "/series")


def _complete_points(chart: Json) -> Faults:
    categories = sorted(chart["axis_config"]["categories"])
    distinct = len(set(categories)) == len(categories)
    odd = [
        index
        for index, series in enumerate(chart["series"])
        if not distinct or sorted(point["label"] for point in series["data"]) != categories
    ]
    return refusal("must have exactly one point for each category", f"/series/{odd[0]}/data") if odd else NO_FAULTS


def _axes(kind: str) -> Check:
    point = shape(None, {"label": LABEL, "value": number()})
    series = shape(None, {"name": LABEL, "data": items(point, limits.CHART_POINTS)})
    axes = shape(
        None,
        {"categories": items(LABEL, limits.CHART_POINTS)},
        {"x_label": text(limits.CHART_AXIS), "y_label": text(limits.CHART_AXIS)},
    )
    return shape(
        kind, {"series": items(series, limits.CHART_SERIES), "axis_config": axes}, {}, _unique_names, _complete_points
    )


SEGMENT = shape(None, {"label": LABEL, "value": number(above=0)})
PIE = shape("pie", {"segments": items(SEGMENT, limits.CHART_SEGMENTS)})
CHART = kinds({"pie": PIE, "bar": _axes("bar"), "area": _axes("area"), "line": _axes("line")})
DATA_VISUALIZATION = shape("data_visualization", {"title": text(limits.CHART_TITLE), "chart": CHART}, BLOCK_ID)
