// Entry point: each part of the page redraws itself when its data changes.

import { agents } from "./agents.js";
import { channels } from "./channel.js";
import { composer, invite } from "./composer.js";
import { byId, el } from "./el.js";
import { home } from "./home.js";
import { mail } from "./mail.js";
import { modals } from "./modals.js";
import { channelAddress, onMove, place } from "./place.js";
import { sidebar } from "./sidebar.js";
import { follow } from "./stream.js";
import { threads } from "./thread.js";
import { top, wanted } from "./top.js";
import { nameOf, when, workspace } from "./workspace.js";

const box = composer(byId("composer"), () => ({ channel: place().channel }));

const wide = matchMedia("(min-width: 761px)");

function arrange() {
  const { kind, channel } = place();
  // A wide window always shows a channel beside the list; on a phone the list is a place of its own.
  if (kind === "list" && channel && wide.matches) return location.replace(channelAddress(channel));
  document.body.dataset.part = kind;
  if (channel) invite(box, channel);
  const tab = (href, name, current) => el("a", { href, "aria-current": current ? "page" : null }, name);
  const first = channel ?? workspace.scene.direct;
  byId("tabs").replaceChildren(
    tab("#", "Channels", kind === "list"),
    tab(first ? channelAddress(first) : "#home", "Messages", kind === "channel"),
    ...(workspace.scene.app.home ? [tab("#home", "Home", kind === "home")] : []),
    ...(workspace.mail ? [tab("#mail", "Mail", kind === "mail")] : []),
    ...(document.body.classList.contains("has-agents") ? [tab("#agents", "Try it", kind === "agents")] : []),
  );
}

/** Screen readers announce what a phone's notification would show. */
function announce(message) {
  if (message.user === workspace.me) return;
  const line = el("p", {}, `${nameOf(message.user)}${message.private ? ", to you alone" : ""}: ${message.text}`);
  byId("live").replaceChildren(line);
}

// First show the parts, then fill them: hidden elements cannot be scrolled.
when(["scene"], arrange);
onMove(arrange);
for (const begin of [top, sidebar, channels, threads, home, mail, modals]) begin();
when(["arrived"], announce);
follow(wanted());
agents().then(arrange);
