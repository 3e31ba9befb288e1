// The person's view of the workspace, as the server last sent it; and subscriptions to its changes.

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
const changed = new Set();
let arrivals = [];
let waiting = false;

/** Parts: scene, messages, modals, home, weather, connected, read; and "arrived", announced for each new message. */
export function when(parts, listener) {
  for (const part of parts) listeners.set(part, [...(listeners.get(part) ?? []), listener]);
}

/** Simultaneous changes are drawn once: with the next frame, or soon in a hidden window. */
export function tell(part) {
  changed.add(part);
  if (waiting) return;
  waiting = true;
  if (document.hidden) setTimeout(draw);
  else requestAnimationFrame(draw);
}

/** A new message. */
export function arrived(message) {
  arrivals.push(message);
  tell("messages");
}

function draw() {
  const concerned = new Set([...changed].flatMap((part) => listeners.get(part) ?? []));
  const came = arrivals;
  changed.clear();
  arrivals = [];
  waiting = false;
  for (const listener of concerned) listener();
  for (const message of came) for (const listener of listeners.get("arrived") ?? []) listener(message);
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

/** A channel's own messages in order, without thread replies. */
export function within(channelId) {
  return sorted((each) => each.channel === channelId && (!each.thread_ts || each.broadcast));
}

export function replies(channelId, ts) {
  return sorted((each) => each.channel === channelId && each.thread_ts === ts && each.ts !== ts);
}

function sorted(fits) {
  return [...workspace.messages.values()].filter(fits).sort((a, b) => Number(a.ts) - Number(b.ts));
}

/** A note of the client itself, which only this browser shows. */
export function remark(channelId, text) {
  const ts = (Date.now() / 1000).toFixed(6);
  const said = { channel: channelId, ts, user: "USLACKBOT", text, blocks: [], private: true, local: true };
  workspace.messages.set(keyOf(said), said);
  arrived(said);
}

export function forget(message) {
  workspace.messages.delete(keyOf(message));
  tell("messages");
}
