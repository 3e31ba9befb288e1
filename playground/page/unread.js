// Unread messages, remembered by this browser for each person.

import { keyOf, within, workspace } from "./workspace.js";

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

/** The key of the first unread message of someone else, or null; also null where nothing was read before. */
export function firstUnread(channel) {
  const read = lastRead(channel);
  const first = within(channel).find((message) => Number(message.ts) > read && message.user !== workspace.me);
  return read && first ? keyOf(first) : null;
}

/** The number of unread mentions, and whether there are other unread messages. */
export function unread(channel) {
  const read = lastRead(channel);
  const fresh = of(channel).filter((message) => Number(message.ts) > read && message.user !== workspace.me);
  return { pings: fresh.filter((message) => message.pings).length, any: fresh.some((message) => !message.thread_ts || message.pings) };
}
