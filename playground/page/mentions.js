// Mentions of people (by their display name, as in Slack), groups, channels and broadcasts. Those of the reader stand out.

import { el } from "./el.js";
import { channelAddress } from "./place.js";
import { channel, person, workspace } from "./workspace.js";

export function user(id, otherwise) {
  const known = person(id);
  return mention(`@${known ? known.name || known.real_name : otherwise || id}`, id === workspace.me);
}

export function group(id, otherwise) {
  const known = workspace.scene.groups.find((group) => group.id === id);
  return mention(`@${(known?.handle ?? otherwise ?? id).replace(/^@/, "")}`, known?.mine);
}

export function broadcast(range) {
  return mention(`@${range}`, true);
}

export function channelNamed(id, otherwise) {
  const known = channel(id);
  if (!known) return mention(`#${otherwise || id}`, false);
  return el("a", { class: "mention", href: channelAddress(id) }, `#${known.name}`);
}

function mention(text, mine) {
  return el("span", { class: mine ? "mention mine" : "mention" }, text);
}
