// What one can do with a message, at its upper right corner: while the pointer or the focus is on it, and always on a touch screen.

import { byId, el, svg } from "./el.js";
import { go, messageAddress, threadAddress } from "./place.js";

const REPLY = "M2 3h12v8H7l-3 3v-3H2z";
const LINK = "M6.5 9.5l3-3M7 4.5l1.5-1.5a3 3 0 0 1 4.5 4.5L11.5 9M9 11.5L7.5 13A3 3 0 0 1 3 8.5L4.5 7";

export function toolbar(message, { inThread, say }) {
  const reply = () => go(threadAddress(message.channel, message.ts));
  return el("div", { class: "toolbar", role: "group", "aria-label": "Message actions" },
    !inThread && action("reply", "Reply in thread", REPLY, reply),
    action("copy", "Copy link", LINK, () => copy(message, say)));
}

function action(name, label, path, click) {
  const sign = svg("svg", { viewBox: "0 0 16 16", width: 18, height: 18, "aria-hidden": "true" }, svg("path", { d: path }));
  return el("button", { type: "button", "data-name": name, "aria-label": label, title: label, click }, sign);
}

async function copy(message, say) {
  const { href } = new URL(messageAddress(message.channel, message.ts), `${location.origin}${location.pathname}`);
  try {
    await navigator.clipboard.writeText(href);
    byId("live").replaceChildren(el("p", {}, "Link copied"));
  } catch {
    say(`The browser does not let this page copy. The link is ${href}`);
  }
}
