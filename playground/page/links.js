// Links: only addresses that are safe to follow, and permalinks of this workspace lead to the message in the page.

import { el } from "./el.js";
import { go, messageAddress } from "./place.js";
import { workspace } from "./workspace.js";

/** The address if it is safe to follow, or null: no scripts, files or data URLs. */
export function followable(address) {
  try {
    const url = new URL(address);
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** The place in the page that a permalink means, or null if it leads elsewhere. */
function placeOf(address) {
  const url = new URL(address);
  const [, channel, seconds, micros] = /^\/archives\/(\w+)\/p(\d+)(\d{6})$/.exec(url.pathname) ?? [];
  return channel && url.hostname === `${workspace.scene.team}.slack.com` ? messageAddress(channel, `${seconds}.${micros}`) : null;
}

/** A link, or plain text if the address is not safe. */
export function link(address, ...children) {
  const href = followable(address);
  if (!href) return el("span", {}, ...children);
  const here = placeOf(href);
  return here ? el("a", { href: here }, ...children) : el("a", { href, target: "_blank", rel: "noopener noreferrer" }, ...children);
}

/** Open an address that a button names. */
export function follow(address) {
  const href = followable(address);
  const here = href && placeOf(href);
  if (here) go(here);
  else if (href) open(href, "_blank", "noopener");
}
