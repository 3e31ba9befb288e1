// An input block: a label, something to fill in, a hint, and room for what is wrong with it.

import { choices, holders } from "./choices.js";
import { el } from "./el.js";
import { plain } from "./emoji.js";
import { unknown } from "./unknown.js";

const GROUPS = ["checkboxes", "radio_buttons"];
let inputs = 0;

export function input(block, surface) {
  const it = block.element;
  if (!Object.hasOwn(holders, it?.type)) return el("div", {}, plain(block.label), unknown("input", it));
  const id = `input-${(inputs += 1)}`;
  const described = `${id}-hint ${id}-error`;
  const changed = block.dispatch_action ? (node, value) => surface.press(node, block, it, value) : null;
  const control = choices(it, block, surface, { id, label: plain(block.label), described, changed });
  const grouped = GROUPS.includes(it.type) || it.type.startsWith("multi_");
  return el(
    "div",
    { "data-block": block.block_id },
    el(grouped ? "div" : "label", { class: "label", for: grouped ? null : id }, plain(block.label), optional(block)),
    control,
    el("p", { class: "hint", id: `${id}-hint` }, block.hint && plain(block.hint)),
    el("p", { class: "wrong", id: `${id}-error`, role: "alert" }),
  );
}

function optional(block) {
  return block.optional && el("span", { class: "optional" }, " (optional)");
}

/** Puts each error under its input, takes away those that were there, and goes to the first. */
export function mark(root, errors) {
  for (const node of root.querySelectorAll("[data-block]")) {
    const said = errors[node.dataset.block];
    node.querySelector(".wrong").replaceChildren(...(said ? [said] : []));
    node.classList.toggle("is-wrong", Boolean(said));
    for (const control of controls(node)) control.setAttribute("aria-invalid", String(Boolean(said)));
  }
  const first = root.querySelector(".is-wrong");
  if (first) controls(first)[0]?.focus();
}

function controls(node) {
  return [...node.querySelectorAll("input, select, textarea")];
}

/** As Slack's client does before anything is sent: what must be filled in, by block. */
export function missing(surface) {
  const empty = [...surface.fields.values()].filter(({ block, read }) => {
    const value = read();
    return block.type === "input" && !block.optional && (value === null || value.length === 0);
  });
  return Object.fromEntries(empty.map(({ block }) => [block.block_id, "Please complete this required field."]));
}
