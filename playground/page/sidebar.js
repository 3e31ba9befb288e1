// The list of channels, the app's direct messages, and its Home.

import { byId, el, unseen } from "./el.js";
import { unreadMails } from "./mail.js";
import { channelAddress, onMove, place } from "./place.js";
import { unread } from "./unread.js";
import { nameOf, when, workspace } from "./workspace.js";

export function sidebar() {
  when(["scene", "messages", "mail", "read"], draw);
  onMove(draw);
}

function draw() {
  const { scene } = workspace;
  const rooms = scene.channels.filter((channel) => channel.kind !== "im").sort((a, b) => a.name.localeCompare(b.name));
  const app = nameOf(scene.app.user);
  const direct = scene.channels.find((channel) => channel.id === scene.direct);
  byId("sidebar").replaceChildren(
    el("h2", { class: "team" }, scene.team || "Workspace"),
    list("Channels", rooms.map((channel) => row(channel, `${channel.kind === "private_channel" ? "🔒" : "#"}`, channel.name))),
    list("Apps", [
      scene.app.home && item("#home", "⌂", `${app} Home`, place().kind === "home", {}),
      direct && row(direct, "✉", `${app} messages`),
    ]),
    ...(workspace.mail ? [list("Outside Slack", [mailbox()])] : []),
  );
}

function mailbox() {
  const count = unreadMails();
  return item("#mail", "@", "Mail", place().kind === "mail", { pings: count, any: count > 0, what: "unread mails" });
}

function list(title, rows) {
  return el("section", {}, el("h3", {}, title), el("ul", {}, rows));
}

function row(channel, sign, name) {
  const here = place();
  return item(channelAddress(channel.id), sign, name, here.kind === "channel" && here.channel === channel.id, unread(channel.id));
}

function item(href, sign, name, here, { pings, any, what = "that mention you" }) {
  const badge = pings ? el("span", { class: "badge", "aria-label": `${pings} ${what}` }, pings) : null;
  const properties = { href, class: any ? "unread" : null, "aria-current": here ? "page" : null };
  return el("li", {}, el("a", properties, el("span", { class: "sign", "aria-hidden": "true" }, sign), el("span", { class: "name" }, name), any && unseen("unread"), badge));
}
