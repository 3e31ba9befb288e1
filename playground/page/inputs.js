// An input block: a label, an input, a hint, and room for an error.

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

/** Show each error under its input, remove earlier ones, and focus the first. */
export function mark(root, errors) {
  for (const node of root.querySelectorAll("[data-block]")) {
    const error = errors[node.dataset.block];
    node.querySelector(".wrong").replaceChildren(...(error ? [error] : []));
    node.classList.toggle("is-wrong", Boolean(error));
    for (const control of controls(node)) control.setAttribute("aria-invalid", String(Boolean(error)));
  }
  const first = root.querySelector(".is-wrong");
  if (first) controls(first)[0]?.focus();
}

function controls(node) {
  return [...node.querySelectorAll("input, select, textarea")];
}

/** As in Slack's client, before anything is sent: required inputs that are empty, by block. */
export function missing(surface) {
  const empty = [...surface.fields.values()].filter(({ block, read }) => {
    const value = read();
    return block.type === "input" && !block.optional && (value === null || value.length === 0);
  });
  return Object.fromEntries(empty.map(({ block }) => [block.block_id, "Please complete this required field."]));
}
