// The place that the person looks at, in the address after the #: so that "back" works and a reload stays.

import { channel, workspace } from "./workspace.js";

/** `{kind: "channel", channel, thread}`, `{kind: "home"}`, or `{kind: "list"}`: on a phone, the list of channels. */
export function place() {
  const [kind, id, thread] = location.hash.slice(1).split("/").map(decodeURIComponent);
  if (kind === "home" && workspace.scene.app.home) return { kind: "home" };
  if (kind === "agents") return { kind: "agents", channel: fallback() };
  if (kind === "channel" && channel(id)) return { kind: "channel", channel: id, thread: thread ?? null };
  return { kind: "list", channel: fallback() };
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

export function go(address) {
  location.hash = address;
}

export function onMove(listener) {
  addEventListener("hashchange", listener);
}
