// What the person has not seen yet. Remembered by this browser, for each of those it acts as.

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

/** How many of them ping the person, and whether there are others. */
export function unread(channel) {
  const read = lastRead(channel);
  const fresh = of(channel).filter((each) => Number(each.ts) > read && each.user !== workspace.me);
  return { pings: fresh.filter((each) => each.pings).length, any: fresh.some((each) => !each.thread_ts || each.pings) };
}
