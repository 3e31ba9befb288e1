// The place that the person looks at, in the address after the #: so that "back" works and a reload stays.

import { channel, keyOf, workspace } from "./workspace.js";

/** `{kind: "channel", channel, thread, at}` (`at`: the message to show), `{kind: "home"}`, `{kind: "mail", letter, part}`, or `{kind: "list"}`: on a phone, the list of channels. */
export function place() {
  const [kind, id, ts] = location.hash.slice(1).split("/").map(decodeURIComponent);
  if (kind === "home" && workspace.scene.app.home) return { kind: "home" };
  if (kind === "mail" && workspace.mail) return { kind, letter: id ?? null, part: ts === "text" ? "text" : "html" };
  if (kind === "agents") return { kind: "agents", channel: fallback() };
  if (kind === "channel" && channel(id)) return { kind, channel: id, thread: ts ?? null };
  if (kind === "message" && channel(id)) return { kind: "channel", channel: id, thread: parent(id, ts), at: ts };
  return { kind: "list", channel: fallback() };
}

/** The thread in which a message is, unless it began one. */
function parent(id, ts) {
  const start = workspace.messages.get(keyOf({ channel: id, ts }))?.thread_ts;
  return start && start !== ts ? start : null;
}

/** What a wide window shows beside the list. */
function fallback() {
  const there = workspace.scene.channels;
  return (there.find((channel) => channel.kind !== "im") ?? there[0])?.id ?? null;
}

export function channelAddress(id) {
  return `#channel/${encodeURIComponent(id)}`;
}

export function threadAddress(id, ts) {
  return `${channelAddress(id)}/${encodeURIComponent(ts)}`;
}

export function messageAddress(id, ts) {
  return `#message/${encodeURIComponent(id)}/${encodeURIComponent(ts)}`;
}

/** Without a part, the HTML of the mail. */
export function letterAddress(id, part) {
  return `#mail/${encodeURIComponent(id)}${part ? `/${part}` : ""}`;
}

/** Going to the same place again leads to it again. */
export function go(address) {
  if (location.hash === address) dispatchEvent(new HashChangeEvent("hashchange"));
  else location.hash = address;
}

export function onMove(listener) {
  addEventListener("hashchange", listener);
}
