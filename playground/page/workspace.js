// What the person sees of the workspace, as the server last told it; and who wants to know when that changes.

export const workspace = {
  me: "",
  scene: { me: "", app: {}, people: [], groups: [], channels: [], commands: [], direct: null },
  messages: new Map(),
  modals: [],
  home: null,
  weather: { kind: "well" },
  connected: false,
};

const listeners = new Map();

/** Parts: scene, messages, modals, home, weather, connected; and "arrived", with a message that was not there before. */
export function when(parts, listener) {
  for (const part of parts) listeners.set(part, [...(listeners.get(part) ?? []), listener]);
}

export function tell(part, detail) {
  for (const listener of listeners.get(part) ?? []) listener(detail);
}

export function person(id) {
  return workspace.scene.people.find((each) => each.id === id);
}

export function nameOf(id) {
  const known = person(id);
  return known ? known.real_name || known.name : id;
}

export function channel(id) {
  return workspace.scene.channels.find((each) => each.id === id);
}

export function keyOf(message) {
  return `${message.channel} ${message.ts}`;
}

/** Of a channel, in their order: what stands in it itself, without the replies of threads. */
export function within(channelId) {
  return sorted((each) => each.channel === channelId && (!each.thread_ts || each.broadcast));
}

export function replies(channelId, ts) {
  return sorted((each) => each.channel === channelId && each.thread_ts === ts && each.ts !== ts);
}

function sorted(fits) {
  return [...workspace.messages.values()].filter(fits).sort((a, b) => Number(a.ts) - Number(b.ts));
}

/** A word of the client's own, which only this browser shows. */
export function remark(channelId, text) {
  const ts = (Date.now() / 1000).toFixed(6);
  const said = { channel: channelId, ts, user: "USLACKBOT", text, blocks: [], private: true, local: true };
  workspace.messages.set(keyOf(said), said);
  tell("messages");
  tell("arrived", said);
}

export function forget(message) {
  workspace.messages.delete(keyOf(message));
  tell("messages");
}
