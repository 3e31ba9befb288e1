// The demo's panel: what to try, what each sample agent did, and the business clock. Empty if no demo runs.

import { businessNow, clock, moment, moveAhead, whole } from "./dates.js";
import { byId, el } from "./el.js";
import { keyed } from "./keyed.js";
import { channelAddress, go } from "./place.js";
import { busy, troubleLine } from "./surface.js";
import { become } from "./top.js";
import { whileSeen } from "./watching.js";
import { nameOf, tell, when } from "./workspace.js";

const STEPS = [["+5 min", 300], ["+1 hour", 3_600], ["+1 day", 86_400]];
const REDRAWN = 5_000; // ms between updates of the clock
const SAID = { sent: "Sent", received: "Received", did: "Did", error: "Error" };
const opened = new Set(); // agents whose full log is open
let say = null; // the current error
let moved = 0; // seconds
let sought = null; // the agent whose card is scrolled to as soon as it exists

export async function agents() {
  const state = await asked();
  if (!state) return;
  build();
  draw(state);
  if (!location.hash && matchMedia("(max-width: 760px)").matches) history.replaceState(null, "", "#agents"); // a phone shows one part at a time
  when(["scene"], refresh);
  when(["messages"], seek);
  setInterval(drawTime, REDRAWN);
  whileSeen(() => {
    const source = new EventSource("/playground/demo/events");
    for (const told of ["open", "message", "changed"]) source.addEventListener(told, refresh);
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
  const step = ([said, seconds]) =>
    el("button", { type: "button", class: "button", click: (event) => post(event.currentTarget, "/playground/demo/time", { seconds }) }, said);
  byId("agents").replaceChildren(
    el("header", { class: "place" }, el("h2", {}, "Try it"), el("p", {}, "eight agents, and what to do with each")),
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
  const linesOf = new Map(state.agents.map((each) => [each.name, each.lines]));
  // The name of the person to act as is only known once the workspace is loaded.
  const told = state.stories.map((each) => ({ ...each, lines: linesOf.get(each.agent), who: each.begins && given(each.begins[0]) }));
  keyed(byId("agent-list"), told, (each) => each.name, story);
}

function drawTime() {
  const at = new Date(businessNow());
  const ahead = moved > 0 ? `${duration(moved)} ahead of the real clock. Messages carry the real time.` : "the same as the real clock";
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

function story(its) {
  return el("li", {},
    el("h3", {}, its.title),
    el("p", { class: "try" }, its.what),
    el("div", { class: "row" }, begin(its), its.running ? null : again(its)),
    diary(its));
}

function begin(its) {
  if (!its.begins || !its.running) return null;
  const [user, where] = its.begins;
  const there = () => {
    sought = its.agent;
    go(channelAddress(where));
    become(user);
  };
  const said = `Try it as ${its.who}`;
  return el("button", { type: "button", class: "button primary", "data-name": its.name, "aria-label": `${said}: ${its.title}`, click: there }, said);
}

function again(its) {
  const address = `/playground/demo/stories/${encodeURIComponent(its.name)}`;
  const click = (event) => post(event.currentTarget, address, {});
  return el("button", { type: "button", class: "button", "data-name": its.name, "aria-label": `Start again: ${its.title}`, click }, "Start again");
}

/** The agent's latest line; all lines when opened. */
function diary(its) {
  if (!its.lines.length) return el("p", { class: "hint" }, "Has done nothing yet.");
  const last = its.lines.at(-1);
  const toggle = (event) => (event.currentTarget.open ? opened.add(its.name) : opened.delete(its.name));
  const all = el("details", { open: opened.has(its.name), toggle },
    el("summary", { "data-name": `${its.name} told` }, `All that the agent told (${its.lines.length})`),
    el("ol", {}, its.lines.map((each) => el("li", {}, line(each)))));
  return [el("div", { class: "last" }, line(last)), all];
}

function line(each) {
  return el("span", { class: `line kind-${each.kind}` },
    el("span", { class: "kind" }, SAID[each.kind] ?? each.kind),
    el("span", { class: "what" }, each.text),
    el("time", { datetime: each.at, title: whole(new Date(each.at)) }, clock(new Date(each.at))));
}

/** The agent's newest card, once the person who is asked sees it. */
function seek() {
  if (!sought) return;
  const cards = [...byId("messages").children].filter((each) => each.textContent.includes(`agent ${sought},`));
  if (!cards.length) return;
  sought = null;
  cards.at(-1).scrollIntoView();
}
