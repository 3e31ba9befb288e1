// Unread messages, remembered by this browser for each person.

import { workspace } from "./workspace.js";

const name = (channel) => `read/${workspace.me}/${channel}`;

export function markRead(channel) {
  const newest = of(channel).reduce((last, message) => Math.max(last, Number(message.ts)), 0);
  if (newest > lastRead(channel)) localStorage.setItem(name(channel), String(newest));
}

function lastRead(channel) {
  return Number(localStorage.getItem(name(channel)) ?? 0);
}

function of(channel) {
  return [...workspace.messages.values()].filter((message) => message.channel === channel);
}

/** The number of unread mentions, and whether there are other unread messages. */
export function unread(channel) {
  const read = lastRead(channel);
  const fresh = of(channel).filter((message) => Number(message.ts) > read && message.user !== workspace.me);
  return { pings: fresh.filter((message) => message.pings).length, any: fresh.some((message) => !message.thread_ts || message.pings) };
}
