// The person's mailbox: the list of their mails, and one mail in a frame without scripts, as a mail program shows it.

import { lately, whole } from "./dates.js";
import { byId, el, unseen } from "./el.js";
import { inPlaceOf } from "./keyed.js";
import { letterAddress, onMove, place } from "./place.js";
import { become } from "./top.js";
import { nameOf, tell, when, workspace } from "./workspace.js";

// As in letters.py: a link that a person clicks opens the page, and nothing else in a mail does anything.
const SANDBOX = "allow-top-navigation-by-user-activation";
const PARTS = [["html", "As HTML"], ["text", "As plain text"]];

let stamp = "";
let root = null;

export function mail() {
  when(["mail", "scene"], draw);
  onMove(draw);
}

/** The number of mails that the person has not opened yet. */
export function unreadMails() {
  return (workspace.mail?.letters ?? []).filter((letter) => !isRead(letter)).length;
}

const name = () => `mail/${workspace.me}`;

function readIds() {
  return JSON.parse(localStorage.getItem(name()) ?? "[]");
}

function isRead(letter) {
  return readIds().includes(keyOf(letter));
}

function keyOf(letter) {
  return `${letter.id} ${letter.headers["Message-ID"]}`;
}

function markRead(letter) {
  if (isRead(letter)) return;
  localStorage.setItem(name(), JSON.stringify([...readIds(), keyOf(letter)]));
  tell("read");
}

function draw() {
  const here = place();
  if (here.kind !== "mail") return;
  const letter = workspace.mail.letters.find((one) => one.id === here.letter);
  if (letter) markRead(letter);
  title();
  const now = JSON.stringify([workspace.me, letter ? [letter.id, here.part] : workspace.mail, letter ? 0 : readIds()]);
  if (now !== stamp) show(letter ? reading(letter, here.part) : list());
  stamp = now;
}

function title() {
  byId("place-name").textContent = `Mail of ${nameOf(workspace.me)}`;
  byId("place-what").textContent = workspace.mail.address ?? "No address";
  byId("place-tabs").hidden = true;
  document.title = `${byId("place-name").textContent} · Playground, not Slack`;
}

function show(node) {
  if (root?.isConnected) inPlaceOf(root, node);
  else byId("mail").replaceChildren(node);
  root = node;
}

function list() {
  const { letters } = workspace.mail;
  const nothing = el("p", { class: "nothing" }, "No mail. Countersign writes here when Slack is down for ten minutes, and when something cannot wait.");
  return el("div", { tabindex: "-1" }, letters.length ? el("ol", { class: "letters" }, letters.map(row)) : nothing, others());
}

function row(letter) {
  const fresh = !isRead(letter);
  return el("li", { class: fresh ? "unread" : null },
    el("a", { href: letterAddress(letter.id), "data-name": `mail ${letter.id}` },
      el("span", { class: "from" }, sender(letter), fresh && unseen("unread")),
      sent(letter),
      el("strong", {}, letter.headers.Subject),
      el("span", { class: "preview" }, letter.preview)));
}

/** The name of the sender, as mail programs show it. */
function sender(letter) {
  return letter.headers.From.replace(/\s*<.*$/, "").replaceAll('"', "") || letter.headers.From;
}

function sent(letter) {
  const at = new Date(letter.headers.Date);
  return Number.isNaN(at.valueOf()) ? el("span") : el("time", { datetime: at.toISOString(), title: whole(at) }, lately(at));
}

function others() {
  const { others: counts } = workspace.mail;
  if (!counts.length) return null;
  const button = ({ user, count }) =>
    el("button", { type: "button", class: "button", "data-name": user, click: () => become(user) }, `${nameOf(user)} (${count})`);
  return el("section", { class: "others", "aria-label": "Mail of others" }, el("h2", {}, "Others with mail"), el("div", { class: "row" }, counts.map(button)));
}

function reading(letter, part) {
  const entries = Object.entries(letter.headers).filter(([header]) => header !== "Subject");
  const tab = ([kind, label]) => el("a", { href: letterAddress(letter.id, kind), "data-name": kind, "aria-current": kind === part ? "page" : null }, label);
  return el("article", { class: "letter", tabindex: "-1", "aria-labelledby": "letter-subject" },
    el("header", {},
      el("p", {}, el("a", { href: "#mail", "data-name": "back" }, "‹ All mails")),
      el("h2", { id: "letter-subject" }, letter.headers.Subject),
      el("details", {},
        el("summary", {}, `${sender(letter)} to ${letter.headers.To}`),
        el("dl", {}, entries.map(([header, value]) => el("div", {}, el("dt", {}, header), el("dd", {}, value))))),
      el("nav", { "aria-label": "Parts of the mail" }, PARTS.map(tab))),
    el("iframe", { title: `The mail: ${letter.headers.Subject}`, sandbox: SANDBOX, src: source(letter, part) }));
}

function source(letter, part) {
  return `/playground/mail/${encodeURIComponent(letter.id)}/${part}?as=${encodeURIComponent(workspace.me)}`;
}
