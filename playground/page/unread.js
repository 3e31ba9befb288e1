// Unread messages, remembered by this browser for each person.

import { workspace } from "./workspace.js";

const name = (channel) => `read/${workspace.me}/${channel}`;

export function markRead(channel) {
  const newest = of(channel).reduce((last, each) => Math.max(last, Number(each.ts)), 0);
  if (newest > lastRead(channel)) localStorage.setItem(name(channel), String(newest));
}

function lastRead(channel) {
  return Number(localStorage.getItem(name(channel)) ?? 0);
}

function of(channel) {
  return [...workspace.messages.values()].filter((each) => each.channel === channel);
}

/** The number of unread mentions, and whether there are other unread messages. */
export function unread(channel) {
  const read = lastRead(channel);
  const fresh = of(channel).filter((each) => Number(each.ts) > read && each.user !== workspace.me);
  return { pings: fresh.filter((each) => each.pings).length, any: fresh.some((each) => !each.thread_ts || each.pings) };
}
