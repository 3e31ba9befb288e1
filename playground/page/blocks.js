// Draws every block of Block Kit, by its type. The app chooses the content; the look is decided here.

import { chart } from "./charts.js";
import { el } from "./el.js";
import { element } from "./elements.js";
import { input } from "./inputs.js";
import { link } from "./links.js";
import { markdown } from "./markdown.js";
import { richText } from "./rich_text.js";
import { dataTable, table } from "./tables.js";
import { unknown } from "./unknown.js";
import { words } from "./words.js";

/** `surface` is the message, modal or Home view that holds them: see surface.js. */
export function blocks(list, surface) {
  return (list ?? []).map((block) => drawnBlock(block, surface));
}

function drawnBlock(block, surface) {
  const draw = Object.hasOwn(BLOCKS, block?.type) ? BLOCKS[block.type] : null;
  try {
    const drawn = draw ? draw(block, surface) : unknown("block", block);
    drawn.classList.add("block", `block-${draw ? block.type : "unknown"}`);
    return drawn;
  } catch {
    return unknown("block, which is not as it should be", block);
  }
}

const BLOCKS = {
  header: (block, surface) => el("div", { role: "heading", "aria-level": surface.level }, words(block.text)),
  divider: () => el("hr"),
  section,
  context: (block) => el("div", {}, block.elements.map(inContext)),
  actions: (block, surface) => el("div", {}, block.elements.map((it) => element(it, block, surface))),
  context_actions: (block, surface) => el("div", {}, block.elements.map((it) => element(it, block, surface))),
  input,
  rich_text: richText,
  markdown: (block, surface) => el("div", { class: "rich" }, markdown(block.text, surface.level)),
  image: (block) => el("figure", {}, picture(block), block.title && el("figcaption", {}, words(block.title))),
  video: (block) => el("div", {}, link(block.title_url ?? block.video_url, words(block.title)), picture(block)),
  file: (block) => el("div", {}, `A remote file: ${block.external_id}`),
  table,
  data_table: dataTable,
  data_visualization: chart,
  container,
  card,
  alert: (block) => el("div", { role: "note", class: `level-${block.level ?? "default"}` }, words(block.text)),
};

function section(block, surface) {
  const fields = (block.fields ?? []).map((field) => el("div", { class: "field" }, words(field)));
  const text = el("div", { class: "said" }, block.text && el("div", {}, words(block.text)), grid(fields));
  return el("div", {}, text, block.accessory && el("div", { class: "accessory" }, accessory(block, surface)));
}

function grid(fields) {
  return fields.length ? el("div", { class: "fields" }, fields) : null;
}

function accessory(block, surface) {
  return block.accessory.type === "image" ? picture(block.accessory) : element(block.accessory, block, surface);
}

function inContext(it) {
  if (it.type === "image") return picture(it);
  return ["plain_text", "mrkdwn"].includes(it.type) ? el("span", {}, words(it)) : unknown("context element", it);
}

/** Images are not fetched: their description is shown instead. */
function picture(it) {
  return el("span", { class: "picture", role: "img", "aria-label": it.alt_text }, `Picture: ${it.alt_text}`);
}

function container(block, surface) {
  const title = el("div", { class: "title" }, block.rich_text_title ? richText(block.rich_text_title) : words(block.title));
  const subtitle = block.subtitle && el("div", { class: "subtitle" }, words(block.subtitle));
  const inner = blocks(block.child_blocks, surface);
  if (!block.is_collapsible) return el("div", {}, title, subtitle, inner);
  return el("details", { open: !block.default_collapsed }, el("summary", {}, title, subtitle), inner);
}

function card(block, surface) {
  const part = (name) => block[name] && el("div", { class: name }, words(block[name]));
  const actions = (block.actions ?? []).map((it) => element(it, block, surface));
  return el("div", {}, block.hero_image && picture(block.hero_image), part("title"), part("subtitle"), part("body"), actions);
}
