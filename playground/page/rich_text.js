// Rich text: sections, lists, quotes and preformatted text. All texts in it are literal.

import { date } from "./dates.js";
import { el } from "./el.js";
import { emoji } from "./emoji.js";
import { link } from "./links.js";
import { broadcast, channelNamed, group, user } from "./mentions.js";
import { unknown } from "./unknown.js";

export function richText(block) {
  return el("div", { class: "rich" }, block.elements.map(part));
}

function part(it) {
  const draw = Object.hasOwn(PARTS, it.type) ? PARTS[it.type] : null;
  return draw ? draw(it) : unknown("part of a rich text", it);
}

const PARTS = {
  rich_text_section: (it) => el("p", {}, it.elements.map(inline)),
  rich_text_quote: (it) => el("blockquote", {}, it.elements.map(inline)),
  rich_text_preformatted: (it) => el("pre", { tabindex: "0" }, it.elements.map(inline)),
  rich_text_list: list,
};

function list(it) {
  const tag = it.style === "ordered" ? "ol" : "ul";
  const start = it.offset ? it.offset + 1 : null;
  const items = it.elements.map((item) => el("li", {}, (item.elements ?? []).map(inline)));
  return el(tag, { class: `indent-${Math.min(it.indent ?? 0, 8)}`, start }, items);
}

export function inline(it) {
  const draw = Object.hasOwn(INLINE, it.type) ? INLINE[it.type] : null;
  return draw ? styled(it.style ?? {}, draw(it)) : unknown("piece of rich text", it);
}

const INLINE = {
  text: (it) => it.text,
  link: (it) => link(it.url, it.text || it.url),
  user: (it) => user(it.user_id),
  usergroup: (it) => group(it.usergroup_id),
  channel: (it) => channelNamed(it.channel_id),
  broadcast: (it) => broadcast(it.range),
  team: (it) => it.team_id,
  emoji: (it) => (it.unicode ? fromCodes(it.unicode) : emoji(it.name)),
  date: (it) => date(it.timestamp, it.format, it.fallback),
  color: (it) => [swatch(it.value), it.value],
};

const TAGS = { bold: "strong", italic: "em", strike: "s", underline: "u", code: "code" };

function styled(style, node) {
  return Object.entries(TAGS).reduce((inner, [name, tag]) => (style[name] ? el(tag, {}, inner) : inner), node);
}

function fromCodes(unicode) {
  const codes = unicode.split("-").map((code) => Number.parseInt(code, 16));
  return codes.every((code) => code > 0 && code < 0x110000) ? String.fromCodePoint(...codes) : unicode;
}

function swatch(value) {
  const drawn = el("span", { class: "swatch", "aria-hidden": "true" });
  drawn.style.backgroundColor = value;
  return drawn;
}
