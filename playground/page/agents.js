// The demo's panel: what to try, what each sample agent did, and the business clock. Empty if no demo runs.

import { businessNow, clock, moment, moveAhead, whole } from "./dates.js";
import { byId, el } from "./el.js";
import { keyed } from "./keyed.js";
import { channelAddress, go, messageAddress } from "./place.js";
import { busy, troubleLine } from "./surface.js";
import { become } from "./top.js";
import { whileSeen } from "./watching.js";
import { nameOf, tell, when } from "./workspace.js";

const STEPS = [["+5 min", 300], ["+1 hour", 3_600], ["+1 day", 86_400]];
const SOON = 300; // ms before the next look for a card that is not posted yet
const TRIES = 30;
const REDRAWN = 5_000; // ms between updates of the clock
const LABELS = { sent: "Sent", received: "Received", did: "Did", error: "Error" };
const opened = new Set(); // agents whose full log is open
let say = null; // the current error
let moved = 0; // seconds

export async function agents() {
  const state = await asked();
  if (!state) return;
  build();
  draw(state);
  if (!location.hash && matchMedia("(max-width: 760px)").matches) history.replaceState(null, "", "#agents"); // a phone shows one part at a time
  when(["scene"], refresh);
  setInterval(drawTime, REDRAWN);
  whileSeen(() => {
    const source = new EventSource("/playground/demo/events");
    for (const kind of ["open", "message", "changed"]) source.addEventListener(kind, refresh);
    return source;
  });
}

async function asked() {
  try {
    const answer = await fetch("/playground/demo/state");
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

async function refresh() {
  const state = await asked();
  if (state) draw(state);
}

async function post(node, address, body) {
  if (node.getAttribute("aria-busy") === "true") return;
  await busy(node, async () => {
    say(await wrong(address, body));
    await refresh();
  });
}

/** Until the answer draws it again, the clock says that it moves. */
function pass(node, seconds) {
  byId("now").querySelector("small").textContent = "Moving…";
  return post(node, "/playground/demo/time", { seconds });
}

/** The demo's own error message, or nothing. */
async function wrong(address, body) {
  const headers = { "Content-Type": "application/json" };
  try {
    const answer = await fetch(address, { method: "POST", headers, body: JSON.stringify(body) });
    return answer.ok ? "" : (await answer.json()).detail;
  } catch {
    return "That did not work. Is the demo still running?";
  }
}

function build() {
  byId("agents").hidden = false;
  document.body.classList.add("has-agents");
  const trouble = troubleLine();
  say = trouble.say;
  const step = ([label, seconds]) =>
    el("button", { type: "button", class: "button", click: (event) => pass(event.currentTarget, seconds) }, label);
  byId("agents").replaceChildren(
    el("header", { class: "place" }, el("h2", {}, "Try it"), el("p", {}, "nine stories, and what to do in each")),
    el("div", { class: "scroll" },
      trouble.line,
      el("ul", { id: "agent-list", class: "agent-list" })),
    el("section", { class: "time", "aria-label": "Business time" }, el("p", { id: "now" }), el("div", { class: "row" }, STEPS.map(step))),
  );
}

function draw(state) {
  moved = state.moved_seconds;
  moveAhead(moved);
  tell("messages");
  drawTime();
  const linesOf = new Map(state.agents.map((agent) => [agent.name, agent.lines]));
  // The name of the person to act as is only known once the workspace is loaded.
  const stories = state.stories.map((item) => ({ ...item, lines: linesOf.get(item.agent), who: item.begins && given(item.begins.user) }));
  keyed(byId("agent-list"), stories, (item) => item.name, story);
}

function drawTime() {
  const at = new Date(businessNow());
  const ahead = moved > 0 ? `${duration(moved)} ahead of the real clock. Messages show the real time.` : "the same as the real clock";
  byId("now").replaceChildren(
    el("time", { datetime: at.toISOString(), title: whole(at) }, moment(at)),
    el("small", {}, `Business time, ${ahead}`),
  );
}

function duration(seconds) {
  const units = [["day", 86_400], ["hour", 3_600], ["minute", 60]];
  const parts = [];
  let rest = seconds;
  for (const [name, size] of units) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count) parts.push(`${count} ${name}${count > 1 ? "s" : ""}`);
  }
  return parts.join(", ") || "less than a minute";
}

function given(user) {
  return nameOf(user).split(" ")[0];
}

function story(item) {
  return el("li", {},
    el("h3", {}, item.title),
    el("p", { class: "try" }, item.what),
    el("div", { class: "row" }, begin(item), again(item)),
    diary(item));
}

function begin(item) {
  if (!item.begins || (item.started && !item.running)) return null;
  const { user, channel } = item.begins;
  const there = async (event) => {
    if (!item.started) await post(event.currentTarget, address(item), {});
    go(channelAddress(channel));
    become(user);
    seek(item.name, TRIES);
  };
  const label = `Try it as ${item.who}`;
  return el("button", { type: "button", class: "button primary", "data-name": item.name, "aria-label": `${label}: ${item.title}`, click: there }, label);
}

function address(item) {
  return `/playground/demo/stories/${encodeURIComponent(item.name)}`;
}

function again(item) {
  if (!item.started || item.running) return null;
  const click = (event) => post(event.currentTarget, address(item), {});
  return el("button", { type: "button", class: "button", "data-name": item.name, "aria-label": `Start again: ${item.title}`, click }, "Start again");
}

/** The agent's latest line; all lines when opened. */
function diary(item) {
  if (!item.lines.length) return el("p", { class: "hint" }, item.started ? "Has done nothing yet." : "Starts when you open it.");
  const last = item.lines.at(-1);
  const toggle = (event) => (event.currentTarget.open ? opened.add(item.name) : opened.delete(item.name));
  const all = el("details", { open: opened.has(item.name), toggle },
    el("summary", { "data-name": `${item.name} told` }, `Everything that the agent did (${item.lines.length})`),
    el("ol", {}, item.lines.map((entry) => el("li", {}, line(entry)))));
  return [el("div", { class: "last" }, line(last)), all];
}

function line(entry) {
  return el("span", { class: `line kind-${entry.kind}` },
    el("span", { class: "kind" }, LABELS[entry.kind] ?? entry.kind),
    el("span", { class: "what" }, entry.text),
    el("time", { datetime: entry.at, title: whole(new Date(entry.at)) }, clock(new Date(entry.at))));
}

/** To the card of a story, once it has been posted. */
async function seek(name, tries) {
  const { begins } = (await asked())?.stories.find((item) => item.name === name) ?? {};
  if (begins?.ts) go(messageAddress(begins.channel, begins.ts));
  else if (tries > 1) setTimeout(seek, SOON, name, tries - 1);
}
