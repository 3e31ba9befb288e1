// The person's view of the workspace, as the server last sent it; and subscriptions to its changes.

export const workspace = {
  me: "",
  scene: { me: "", app: {}, people: [], groups: [], channels: [], commands: [], direct: null },
  messages: new Map(),
  modals: [],
  home: null,
  mail: null,
  condition: { kind: "well" },
  connected: false,
};

const listeners = new Map();
const changed = new Set();
let arrivals = [];
let waiting = false;

/** Parts: scene, messages, modals, home, mail, condition, connected, read; and "arrived", announced for each new message. */
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
  return workspace.scene.people.find((person) => person.id === id);
}

export function nameOf(id) {
  const known = person(id);
  return known ? known.real_name || known.name : id;
}

export function channel(id) {
  return workspace.scene.channels.find((channel) => channel.id === id);
}

export function keyOf(message) {
  return `${message.channel} ${message.ts}`;
}

/** A channel's own messages in order, without thread replies. */
export function within(channelId) {
  return sorted((message) => message.channel === channelId && (!message.thread_ts || message.broadcast));
}

export function replies(channelId, ts) {
  return sorted((message) => message.channel === channelId && message.thread_ts === ts && message.ts !== ts);
}

function sorted(fits) {
  return [...workspace.messages.values()].filter(fits).sort((a, b) => Number(a.ts) - Number(b.ts));
}

/** A note of the client itself, which only this browser shows. */
export function remark(channelId, text) {
  const ts = (Date.now() / 1000).toFixed(6);
  const note = { channel: channelId, ts, user: "USLACKBOT", text, blocks: [], private: true, local: true };
  workspace.messages.set(keyOf(note), note);
  arrived(note);
}

export function forget(message) {
  workspace.messages.delete(keyOf(message));
  tell("messages");
}
