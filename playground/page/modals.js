// The app's modals. The topmost is shown; the browser keeps the focus inside.

import { act, failureText } from "./act.js";
import { blocks } from "./blocks.js";
import { byId, el } from "./el.js";
import { plain } from "./emoji.js";
import { mark, missing } from "./inputs.js";
import { inPlaceOf } from "./keyed.js";
import { busy, Surface, troubleLine } from "./surface.js";
import { when, workspace } from "./workspace.js";

let shown = null; // {id, hash, surface, root}
let opener = null; // the element that had the focus before

export function modals() {
  const dialog = byId("modal");
  when(["modals"], draw);
  // The server decides when a modal closes. Browsers always let us block the key, but their own closing only once.
  const held = (event) => {
    event.preventDefault();
    closeTop();
  };
  dialog.addEventListener("keydown", (event) => event.key === "Escape" && held(event));
  dialog.addEventListener("cancel", held);
}

function draw() {
  const dialog = byId("modal");
  const view = workspace.modals.at(-1);
  if (!view) return leave(dialog);
  if (shown?.id === view.id && shown.hash === view.hash) return;
  if (!dialog.open) opener = document.activeElement;
  show(dialog, view);
}

function leave(dialog) {
  if (!dialog.open) return;
  shown = null;
  dialog.close();
  dialog.replaceChildren();
  back(opener);
}

/** The card may have been redrawn: then focus its button of the same name, or the card. */
function back(to) {
  if (to?.isConnected) return to.focus();
  const same = [...document.querySelectorAll("[data-name]")].find((other) => other.dataset.name === to?.dataset?.name);
  (same ?? byId("main")).focus();
}

function show(dialog, view) {
  const same = shown?.id === view.id;
  const typed = same ? held(view.values, shown.surface) : view.values;
  const { line, say } = troubleLine();
  const surface = new Surface({ act: "click-view", where: { view: view.id }, values: typed, say, level: 3 });
  const root = drawn(view, surface, line);
  if (same) inPlaceOf(shown.root, root);
  else dialog.replaceChildren(root);
  shown = { id: view.id, hash: view.hash, surface, root };
  if (!dialog.open) dialog.showModal();
  if (!same) (first(root) ?? root.querySelector("h2")).focus();
  mark(root, view.errors);
}

/** Keep typed values if the input is the same. */
function held(values, surface) {
  const kept = structuredClone(values);
  for (const { block, element, read } of surface.fields.values()) {
    const entry = kept[block.block_id]?.[element.action_id];
    if (entry?.type === element.type && "value" in entry) entry.value = read();
  }
  return kept;
}

function first(root) {
  return root.querySelector("[data-block] :is(input, select, textarea)");
}

function drawn(view, surface, line) {
  const submit = (event) => {
    event.preventDefault();
    send(event.currentTarget, view, surface);
  };
  const close = (style, text, label) =>
    el("button", { type: "button", class: style, "aria-label": label, "data-name": `close ${style}`, click: closeTop }, text);
  const depth = workspace.modals.length;
  return el("form", { class: "view", novalidate: true, tabindex: "-1", submit },
    el("header", {},
      depth > 1 && close("quiet back", "‹", "Back to the form below"),
      el("h2", { id: "modal-title", tabindex: "-1" }, view.title),
      close("quiet close", "✕", "Close")),
    el("div", { class: "body blocks" }, blocks(view.blocks, surface)),
    line,
    el("footer", {},
      close("button", view.close ? plain({ text: view.close, emoji: false }) : "Close", null),
      view.submit && el("button", { type: "submit", class: "button primary", "data-name": "submit" }, view.submit)));
}

async function closeTop() {
  const view = workspace.modals.at(-1);
  if (view) shown?.surface.say(failureText(await act("close", { view: view.id })));
}

/** Checked first as in Slack's client, then by the app. */
async function send(form, view, surface) {
  const empty = missing(surface);
  mark(form, empty);
  surface.say("");
  if (Object.keys(empty).length) return;
  const button = form.querySelector("[type=submit]");
  if (button.getAttribute("aria-busy") === "true") return;
  const answer = await busy(button, () => act("submit", { view: view.id, typed: surface.typed() }));
  mark(form, answer.errors ?? {});
  surface.say(failureText(answer));
}
