// One message in a channel or thread.

import { act, failureText } from "./act.js";
import { avatar } from "./avatars.js";
import { blocks } from "./blocks.js";
import { clock, lately, today, whole } from "./dates.js";
import { el } from "./el.js";
import { mrkdwn } from "./mrkdwn.js";
import { threadAddress } from "./place.js";
import { Surface, troubleLine } from "./surface.js";
import { toolbar } from "./toolbar.js";
import { forget, nameOf, person, replies, workspace } from "./workspace.js";

const FACES = 3; // people shown beside the number of replies

/** A message in a list: it is redrawn if any of these values changes. */
export function asListed(message, { inThread = false } = {}) {
  const answers = inThread ? [] : replies(message.channel, message.ts);
  const { scene } = workspace;
  const faces = [...new Set(answers.map((answer) => answer.user))].slice(0, FACES).join();
  return { message, inThread, count: answers.length, last: answers.at(-1)?.ts, faces, people: scene.people, groups: scene.groups, today: today() };
}

export function drawnMessage({ message, inThread, count, last, faces }) {
  const { line, say } = troubleLine();
  const where = { channel: message.channel, ts: message.ts };
  const surface = new Surface({ act: "click", where, say, level: inThread ? 3 : 2 });
  const node = el("li", { class: classes(message), tabindex: "-1", "data-ts": message.ts });
  node.append(
    avatar(message.user),
    el("div", { class: "message-body" },
      message.private && el("p", { class: "only-you" }, "Only visible to you"),
      byline(message),
      message.broadcast && el("p", { class: "hint" }, "replied to a thread"),
      content(message, surface),
      line,
      message.private && dismissal(message, say),
      count > 0 && thread(message, count, last, faces)),
  );
  if (!message.private) node.append(toolbar(message, { inThread, say }));
  return node;
}

function classes(message) {
  return ["message", message.private && "private"].filter(Boolean).join(" ");
}

function byline(message) {
  const at = new Date(Number(message.ts) * 1000);
  const isApp = person(message.user)?.bot || message.user === "USLACKBOT";
  return el("p", { class: "byline" },
    el("strong", {}, nameOf(message.user)),
    isApp && el("span", { class: "badge-app" }, "App"),
    el("time", { datetime: at.toISOString(), title: whole(at) }, clock(at)),
    message.edits > 0 && el("span", { class: "updated", title: "Slack itself does not show that a card was updated" }, "updated"));
}

function content(message, surface) {
  const attached = (message.attachments ?? []).map((item) => attachment(item, surface));
  if (message.blocks.length) return [el("div", { class: "blocks" }, blocks(message.blocks, surface)), attached];
  return [message.text && el("div", { class: "text" }, mrkdwn(message.text)), attached];
}

function attachment(it, surface) {
  const inner = it.blocks ? blocks(it.blocks, surface) : mrkdwn(it.text ?? it.fallback ?? "");
  return el("div", { class: "attachment" }, inner);
}

function dismissal(message, say) {
  const dismiss = async () => {
    if (message.local) forget(message);
    else say(failureText(await act("dismiss", { channel: message.channel, ts: message.ts })));
  };
  return el("button", { type: "button", class: "quiet", "data-name": "dismiss", click: dismiss }, "Dismiss message");
}

/** Who replied, how often, and when last. */
function thread(message, count, last, faces) {
  const at = new Date(Number(last) * 1000);
  const href = threadAddress(message.channel, message.ts);
  return el("a", { class: "thread-link", href, "data-name": "thread" },
    el("span", { class: "faces", "aria-hidden": "true" }, faces.split(",").map((user) => avatar(user))),
    el("strong", {}, count === 1 ? "1 reply" : `${count} replies`),
    el("span", {}, `Last reply ${lately(at)}`));
}
