// The middle of the page: a channel's messages, the app's Home or the mailbox, its title, and what is new in it.

import { byId, el } from "./el.js";
import { day } from "./dates.js";
import { keyed } from "./keyed.js";
import { asListed, drawnMessage } from "./message.js";
import { channelAddress, onMove, place } from "./place.js";
import { firstUnread, markRead } from "./unread.js";
import { channel, keyOf, nameOf, tell, when, within, workspace } from "./workspace.js";

const NEAR = 120; // pixels from the end, within which the view follows new messages

let shown = null; // the place that is drawn; another place starts at its end
let fresh = null; // the first message that was unread when the person came here; undefined until the messages are known
let sought = true; // whether the address was followed to its message

export function channels() {
  when(["scene", "messages"], draw);
  when(["arrived"], arrived);
  onMove(() => {
    sought = true;
    draw();
  });
  byId("scroll").addEventListener("scroll", () => atEnd() && (byId("newer").hidden = true));
  byId("newer").addEventListener("click", toEnd);
  addEventListener("focus", read);
}

function draw() {
  const here = place();
  const home = here.kind === "home";
  const mail = here.kind === "mail";
  const elsewhere = home || mail;
  const moved = come(`${workspace.me} ${elsewhere ? here.kind : here.channel}`);
  if (fresh === undefined && known(here.channel)) fresh = firstUnread(here.channel);
  const following = moved || atEnd();
  byId("messages").hidden = elsewhere;
  byId("home").hidden = !home;
  byId("mail").hidden = !mail;
  byId("composer").hidden = elsewhere;
  if (!mail) title(here, home);
  if (!elsewhere) keyed(byId("messages"), items(here.channel), (item) => item.key, drawn);
  if (following && !elsewhere) toEnd();
  if (moved) byId("newer").hidden = true;
  if (sought && known(here.channel)) seek(here);
  read();
}

function come(there) {
  const moved = shown !== there;
  shown = there;
  if (moved) fresh = undefined;
  return moved;
}

/** Show the message that the address names. */
function seek({ at }) {
  sought = false;
  const found = at && byId("messages").querySelector(`[data-ts="${CSS.escape(at)}"]`);
  found?.scrollIntoView({ block: "start" });
  found?.focus({ preventScroll: true });
}

function items(id) {
  const listed = [];
  let today = "";
  for (const message of within(id)) {
    const date = day(new Date(Number(message.ts) * 1000));
    if (date !== today) listed.push({ key: `day ${date}`, day: date });
    today = date;
    if (keyOf(message) === fresh) listed.push({ key: "new", fresh: true });
    listed.push({ key: keyOf(message), ...asListed(message) });
  }
  return listed.length || !known(id) ? listed : [{ key: "nothing", nothing: nothing(channel(id)) }];
}

/** Until the first state arrives, it is unknown whether the channel is empty. */
function known(id) {
  return workspace.connected && workspace.scene.me === workspace.me && channel(id);
}

function nothing(room) {
  if (room.kind !== "im") return "Nothing has been written here yet.";
  return `Nothing yet. ${nameOf(workspace.scene.app.user)} writes to you here when something is asked of you in person.`;
}

function drawn(item) {
  if (item.nothing) return el("li", { class: "nothing" }, item.nothing);
  if (item.fresh) return el("li", { class: "fresh" }, el("span", {}, "New"));
  return item.day ? el("li", { class: "day" }, el("span", {}, item.day)) : drawnMessage(item);
}

function title(here, home) {
  const room = channel(here.channel);
  const direct = room?.kind === "im";
  const { app, direct: directId } = workspace.scene;
  const name = nameOf(app.user);
  byId("place-name").textContent = home || direct ? name : room ? `# ${room.name}` : "No channel";
  byId("place-what").textContent = home || direct ? "App" : room ? what(room) : "This person is in no channel.";
  byId("messages").setAttribute("aria-label", direct ? `Messages of ${name}` : `Messages in ${room?.name ?? "no channel"}`);
  document.title = `${home ? "Home" : byId("place-name").textContent} · Playground, not Slack`;
  tabs(home || direct, home, directId);
}

function what(room) {
  const marks = [room.archived && "archived", room.shared && "shared with another workspace"].filter(Boolean);
  return [room.members === 1 ? "1 member" : `${room.members} members`, ...marks].join(" · ");
}

function tabs(there, home, directId) {
  byId("place-tabs").hidden = !there;
  const tab = (href, name, current) => el("a", { href, "aria-current": current ? "page" : null }, name);
  const drawnTabs = [workspace.scene.app.home && tab("#home", "Home", home), directId && tab(channelAddress(directId), "Messages", !home)];
  byId("place-tabs").replaceChildren(...drawnTabs.filter(Boolean));
}

function atEnd() {
  const { scrollTop, scrollHeight, clientHeight } = byId("scroll");
  return scrollHeight - scrollTop - clientHeight < NEAR;
}

function toEnd() {
  byId("scroll").scrollTop = byId("scroll").scrollHeight;
  byId("newer").hidden = true;
}

function read() {
  const here = place();
  if (here.kind !== "channel" || !document.hasFocus()) return;
  markRead(here.channel);
  tell("read");
}

function arrived(message) {
  if (message.channel !== place().channel || message.thread_ts) return;
  // Scroll to the person's own message, but do not scroll a reader away.
  if (message.user === workspace.me || (message.private && byId("composer").contains(document.activeElement))) return toEnd();
  if (atEnd()) return;
  byId("newer").textContent = message.private ? "A note to you ↓" : "New message ↓";
  byId("newer").hidden = false;
}
