// The bar at the top: the person to act as, Slack's condition, and the state of the connection.

import { act, failureText } from "./act.js";
import { byId, el } from "./el.js";
import { follow } from "./stream.js";
import { when, workspace } from "./workspace.js";

let ticking = 0;

export function top() {
  when(["scene"], people);
  when(["condition", "connected"], condition);
  byId("as").addEventListener("change", (event) => become(event.target.value));
  byId("condition").addEventListener("change", (event) => turn(event.target.value));
}

export function wanted() {
  return new URLSearchParams(location.search).get("as") ?? sessionStorage.getItem("as") ?? "";
}

export function become(user) {
  sessionStorage.setItem("as", user);
  const address = new URL(location.href);
  address.searchParams.delete("as");
  history.replaceState(null, "", address);
  follow(user);
}

function people() {
  const drawn = workspace.scene.people.filter((person) => person.playable).map((person) => {
    const more = [person.title, ...person.marks].filter(Boolean).join(", ");
    return el("option", { value: person.id, selected: person.id === workspace.me }, more ? `${person.real_name} · ${more}` : person.real_name);
  });
  byId("as").replaceChildren(...drawn);
}

async function turn(kind) {
  const answer = await act("condition", { condition: kind });
  if (!answer.ok) notice(failureText(answer));
}

const SENTENCES = {
  well: () => "",
  slow: () => "Slack is slow: each of its answers to the app takes 2 seconds.",
  limited: () => "Slack refuses every call of the app for 30 seconds (rate limit).",
  down: () => "Slack is down: the app cannot reach it, and nothing that you do reaches the app. Choose “working” above to bring it back.",
};

function condition() {
  const { kind, left } = workspace.condition;
  const until = Date.now() + (left ?? 0) * 1000;
  byId("condition").value = kind;
  clearInterval(ticking);
  const say = () => {
    const seconds = Math.ceil((until - Date.now()) / 1000);
    if (kind === "limited" && seconds <= 0) return over();
    notice(workspace.connected ? SENTENCES[kind]() : "The playground does not answer. Trying again …");
    countdown(kind === "limited" ? seconds : 0);
  };
  if (kind === "limited") ticking = setInterval(say, 1000);
  say();
}

/** The limit ends by itself. */
function over() {
  workspace.condition = { kind: "well" };
  condition();
}

function notice(text) {
  if (byId("said").textContent !== text) byId("said").textContent = text;
  byId("notice").classList.toggle("shown", Boolean(text));
}

/** Hidden from screen readers, which would read out the countdown. */
function countdown(seconds) {
  byId("left").textContent = seconds > 0 ? ` ${seconds} s left.` : "";
}
