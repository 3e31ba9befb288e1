// The panel of the demo: what the sample agents did, the business clock, and the stories. Where no demo runs, nothing.

import { clock, moment, moveAhead, whole } from "./dates.js";
import { byId, el } from "./el.js";
import { keyed } from "./keyed.js";
import { busy } from "./surface.js";
import { whileSeen } from "./watching.js";
import { tell } from "./workspace.js";

const STEPS = [["+5 min", 300], ["+1 hour", 3_600], ["+1 day", 86_400]];
const SAID = { sent: "Sent", received: "Received", did: "Did", error: "Error" };
let trouble = null;

export async function agents() {
  const state = await asked();
  if (!state) return;
  build();
  draw(state);
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
  const headers = { "Content-Type": "application/json" };
  const sent = () => fetch(address, { method: "POST", headers, body: JSON.stringify(body) });
  const answer = await busy(node, sent).catch(() => null);
  trouble.textContent = answer?.ok ? "" : "That did not work. Is the demo still running?";
  await refresh();
}

function build() {
  byId("agents").hidden = false;
  document.body.classList.add("has-agents");
  trouble = el("p", { class: "trouble", role: "alert" });
  const step = ([said, seconds]) =>
    el("button", { type: "button", class: "button", click: (event) => post(event.currentTarget, "/playground/demo/time", { seconds }) }, said);
  byId("agents").replaceChildren(
    el("header", { class: "place" }, el("h2", {}, "Agents"), el("p", {}, "what they sent and received")),
    el("div", { class: "scroll" },
      el("section", { class: "time", "aria-label": "Business time" }, el("p", { id: "now" }), el("div", { class: "row" }, STEPS.map(step))),
      trouble,
      el("details", {}, el("summary", {}, "Stories, to start again"), el("ul", { id: "stories", class: "stories" })),
      el("ul", { id: "agent-list", class: "agent-list" })),
  );
}

function draw(state) {
  moveAhead(state.moved_seconds);
  tell("messages");
  byId("now").replaceChildren(...time(state));
  keyed(byId("agent-list"), state.agents, (each) => each.name, agent);
  keyed(byId("stories"), state.stories, (each) => each.name, story);
}

function time({ now, moved_seconds: moved }) {
  const at = new Date(now);
  const ahead = moved > 0 ? `${duration(moved)} ahead of the real clock` : "the same as the real clock";
  return [el("small", {}, "Business time"), el("time", { datetime: now, title: whole(at) }, moment(at)), el("small", {}, ahead)];
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

function agent(its) {
  const line = (each) => el("li", { class: `kind-${each.kind}` },
    el("span", { class: "kind" }, SAID[each.kind] ?? each.kind),
    el("span", { class: "what" }, each.text),
    el("time", { datetime: each.at, title: whole(new Date(each.at)) }, clock(new Date(each.at))));
  const lines = its.lines.length ? el("ol", {}, its.lines.map(line)) : el("p", { class: "hint" }, "Has done nothing yet.");
  return el("li", {}, el("h3", {}, its.title), lines);
}

function story(its) {
  const address = `/playground/demo/stories/${encodeURIComponent(its.name)}`;
  const again = (event) => post(event.currentTarget, address, {});
  return el("li", {},
    el("div", {}, el("strong", {}, its.title), el("p", {}, its.what)),
    its.running
      ? el("span", { class: "running" }, "running")
      : el("button", { type: "button", class: "button", "data-name": its.name, "aria-label": `Start again: ${its.title}`, click: again }, "Start again"));
}
