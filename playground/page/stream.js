// Follows the workspace. Each connection starts with the whole state, so nothing is missed in between.

import { whileSeen } from "./watching.js";
import { arrived, keyOf, tell, workspace } from "./workspace.js";

const AGAIN = 1000; // ms before a retry, if the browser does not retry by itself

let wanted = "";
let again = null;

export function follow(as) {
  if (as !== workspace.me) lookAway(as);
  wanted = as;
  if (again) again();
  else again = whileSeen(open);
}

function open() {
  const source = new EventSource(`/playground/stream?as=${encodeURIComponent(wanted)}`);
  for (const [name, hear] of Object.entries(HEARD)) {
    source.addEventListener(name, (event) => hear(JSON.parse(event.data)));
  }
  source.addEventListener("error", () => lost(source));
  return source;
}

/** Hide what the previous person saw; acts are the next person's from now on. */
function lookAway(as) {
  const mail = workspace.mail && { address: null, letters: [], others: [] };
  Object.assign(workspace, { me: as, messages: new Map(), modals: [], home: null, mail });
  for (const part of ["messages", "modals", "home", "mail"]) tell(part);
}

function lost(source) {
  workspace.connected = false;
  tell("connected");
  if (source.readyState === EventSource.CLOSED) setTimeout(again, AGAIN);
}

const HEARD = {
  whole(data) {
    const local = [...workspace.messages.values()].filter((message) => message.local && data.scene.me === workspace.me);
    Object.assign(workspace, data, { me: data.scene.me, connected: true });
    workspace.messages = new Map([...data.messages, ...local].map((message) => [keyOf(message), message]));
    for (const part of ["connected", "scene", "messages", "modals", "home", "mail", "condition"]) tell(part);
  },
  message({ channel, ts, message }) {
    const key = keyOf({ channel, ts });
    const known = workspace.messages.has(key);
    if (message) workspace.messages.set(key, message);
    else workspace.messages.delete(key);
    if (message && !known) arrived(message);
    else tell("messages");
  },
  modals(views) {
    workspace.modals = views;
    tell("modals");
  },
  home(view) {
    workspace.home = view;
    tell("home");
  },
  mail(letters) {
    workspace.mail = letters;
    tell("mail");
  },
  condition(condition) {
    workspace.condition = condition;
    tell("condition");
  },
};
