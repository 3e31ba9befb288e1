// The `markdown` block: the Markdown that apps use. Anything else stays as written.

import { el } from "./el.js";
import { link } from "./links.js";

/** `level` is that of its headings. */
export function markdown(text, level) {
  return text.split(/(^```[^]*?^```$)/m).flatMap((piece) => (piece.startsWith("```") ? [fence(piece)] : parts(piece, level)));
}

function fence(piece) {
  return el("pre", {}, piece.replace(/^```.*\n/, "").replace(/\n?```$/, ""));
}

function parts(piece, level) {
  return piece.split(/\n{2,}/).filter((text) => text.trim()).map((text) => part(text, level));
}

function part(text, level) {
  const rows = text.trim().split("\n");
  const heading = /^(#{1,6}) +(.*)/.exec(rows[0]);
  if (heading && rows.length === 1) return el("p", { class: "heading", role: "heading", "aria-level": level }, inline(heading[2]));
  if (heading) return el("div", {}, part(rows[0], level), part(rows.slice(1).join("\n"), level));
  if (rows.every((row) => /^ *[-*+] /.test(row))) return list("ul", rows, /^ *[-*+] /);
  if (rows.every((row) => /^ *\d+[.)] /.test(row))) return list("ol", rows, /^ *\d+[.)] /);
  if (rows.every((row) => row.startsWith(">"))) return el("blockquote", {}, broken(rows.map((row) => row.replace(/^> ?/, ""))));
  if (/^(-{3,}|\*{3,})$/.test(text.trim())) return el("hr");
  return el("p", {}, broken(rows));
}

function list(tag, rows, mark) {
  return el(tag, {}, rows.map((row) => el("li", {}, inline(row.replace(mark, "")))));
}

function broken(rows) {
  return rows.flatMap((row, index) => (index ? [el("br"), ...inline(row)] : inline(row)));
}

const TOKEN = /`([^`]+)`|\*\*(.+?)\*\*|__(.+?)__|~~(.+?)~~|(?<![\w*])[*_](?=\S)([^*_]+?)[*_](?![\w*])|\[([^\]]+)\]\(([^)\s]+)\)/;

function inline(text) {
  const match = TOKEN.exec(text);
  if (!match) return text ? [text] : [];
  const [all, code, bold, strong, strike, italic, label, address] = match;
  const drawn = tokened({ code, bold: bold ?? strong, strike, italic, label, address });
  return [text.slice(0, match.index), drawn, ...inline(text.slice(match.index + all.length))];
}

function tokened({ code, bold, strike, italic, label, address }) {
  if (code !== undefined) return el("code", {}, code);
  if (bold !== undefined) return el("strong", {}, inline(bold));
  if (strike !== undefined) return el("s", {}, inline(strike));
  if (italic !== undefined) return el("em", {}, inline(italic));
  return link(address, label);
}
