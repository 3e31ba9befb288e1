// Tables of both kinds. Wide tables scroll inside their own frame.

import { el } from "./el.js";
import { richText } from "./rich_text.js";
import { unknown } from "./unknown.js";

export function table(block) {
  const aligned = (index) => block.column_settings?.[index]?.align;
  return framed("Table", el("table", {}, el("tbody", {}, block.rows.map((row) => cells(row, () => "td", aligned)))));
}

export function dataTable(block) {
  const [header, ...rows] = block.rows;
  const first = block.row_header_column_index;
  const body = rows.map((row) => cells(row, (index) => (index === first ? "th" : "td"), right(rows)));
  const head = el("thead", {}, cells(header, () => "th", right(rows)));
  return framed(block.caption, el("table", {}, el("caption", {}, block.caption), head, el("tbody", {}, body)));
}

function right(rows) {
  return (index) => (rows.every((row) => row[index]?.type === "raw_number") ? "right" : null);
}

function framed(label, drawn) {
  return el("div", { class: "framed", tabindex: "0", role: "group", "aria-label": label }, drawn);
}

function cells(row, tagOf, aligned) {
  const one = (cell, index) => el(tagOf(index), { class: aligned(index) && `align-${aligned(index)}` }, content(cell));
  return el("tr", {}, row.map(one));
}

function content(cell) {
  if (cell.type === "rich_text") return richText(cell);
  return ["raw_text", "raw_number"].includes(cell.type) ? cell.text : unknown("cell", cell);
}
