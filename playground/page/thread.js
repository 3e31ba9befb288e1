// The pane beside a channel that shows one thread.

import { composer } from "./composer.js";
import { byId, el } from "./el.js";
import { keyed } from "./keyed.js";
import { asListed, drawnMessage } from "./message.js";
import { channelAddress, onMove, place } from "./place.js";
import { channel, keyOf, replies, when, workspace } from "./workspace.js";

let shown = null;

export function threads() {
  when(["scene", "messages"], draw);
  onMove(draw);
  document.addEventListener("keydown", escape);
}

function draw() {
  const { kind, channel: id, thread } = place();
  const first = kind === "channel" && thread && workspace.messages.get(keyOf({ channel: id, ts: thread }));
  const pane = byId("thread");
  pane.hidden = !first;
  document.body.classList.toggle("has-thread", Boolean(first));
  if (!first) return leave(pane);
  if (shown !== keyOf(first)) open(pane, first);
  const listed = [first, ...replies(id, thread)].map((message) => ({ key: keyOf(message), ...asListed(message, { inThread: true }) }));
  const list = pane.querySelector("ol");
  const before = list.children.length;
  keyed(list, listed, (item) => item.key, drawnMessage);
  if (list.children.length > before && before > 0) list.lastElementChild.scrollIntoView({ block: "nearest" });
}

/** Opening moves the focus to the thread; closing returns it to the message that opened it. */
function open(pane, first) {
  shown = keyOf(first);
  const close = el("a", { class: "close", href: channelAddress(first.channel), "aria-label": "Close the thread" }, "✕");
  const title = el("h2", { tabindex: "-1" }, "Thread", el("small", {}, channel(first.channel)?.kind === "im" ? "" : `# ${channel(first.channel)?.name}`));
  const form = el("form", { class: "composer" });
  const list = el("ol", { class: "messages", "aria-label": "Messages of the thread" });
  pane.replaceChildren(el("header", { class: "place" }, title, close), el("div", { class: "scroll" }, list), form);
  composer(form, () => ({ channel: first.channel, thread_ts: first.ts }));
  title.focus({ preventScroll: true });
}

/** Escape closes the thread, unless it closes a menu, a list or a form. */
function escape(event) {
  const used = event.defaultPrevented || document.querySelector("dialog[open]");
  if (event.key === "Escape" && !used) byId("thread").querySelector(".close")?.click();
}

function leave(pane) {
  if (shown === null) return;
  const ts = shown.split(" ")[1];
  shown = null;
  pane.replaceChildren();
  byId("messages").querySelector(`[data-ts="${CSS.escape(ts)}"] :is([data-name="thread"], [data-name="reply"])`)?.focus();
}
