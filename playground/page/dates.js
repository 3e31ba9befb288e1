// Slack's dates, in the reader's own time zone: `<!date^1795262400^{date_short_pretty} at {time}|fallback>`.

import { el } from "./el.js";

const DAY = 86_400_000;
const HALF_A_YEAR = 183 * DAY;

let ahead = 0; // ms by which a demo has moved business time: the app's "today" follows that clock

export function date(timestamp, format, fallback = "") {
  const at = new Date(Number(timestamp) * 1000);
  if (Number.isNaN(at.valueOf())) return el("span", {}, fallback || "Invalid date");
  const text = format.replace(/\{(\w+)\}/g, (whole, token) => TOKENS[token]?.(at) ?? whole);
  return el("time", { datetime: at.toISOString(), title: fallback || whole(at) }, text);
}

export function moveAhead(seconds) {
  ahead = seconds * 1000;
}

/** Dates have to be redrawn when the day changes. */
export function today() {
  return new Date(businessNow()).toDateString();
}

export function businessNow() {
  return Date.now() + ahead;
}

export function clock(at) {
  return formatted(at, { hour: "numeric", minute: "2-digit" });
}

export function whole(at) {
  return formatted(at, { dateStyle: "full", timeStyle: "short" });
}

export function moment(at) {
  return formatted(at, { weekday: "short", month: "short", day: "numeric", hour: "numeric", minute: "2-digit" });
}

export function day(at) {
  const text = near(at, Date.now()) ?? formatted(at, { weekday: "long", month: "long", day: "numeric" });
  return text[0].toUpperCase() + text.slice(1);
}

/** "today at 10:12", for what happened not long ago. */
export function lately(at) {
  return `${near(at, Date.now()) ?? short(at)} at ${clock(at)}`;
}

function formatted(at, options) {
  return new Intl.DateTimeFormat(undefined, options).format(at);
}

/** The current year is left out. */
function dated(at, options) {
  const obvious = Math.abs(at - businessNow()) < HALF_A_YEAR;
  return formatted(at, { ...options, day: "numeric", ...(obvious ? {} : { year: "numeric" }) });
}

function pretty(at, otherwise) {
  return near(at, businessNow()) ?? otherwise(at);
}

function near(at, from) {
  const midnight = (it) => new Date(it).setHours(0, 0, 0, 0);
  const away = Math.round((midnight(at) - midnight(from)) / DAY);
  return { "-1": "yesterday", 0: "today", 1: "tomorrow" }[away];
}

function ago(at) {
  const seconds = (at - businessNow()) / 1000;
  const units = [["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1]];
  const [unit, size] = units.find(([, unitSize]) => Math.abs(seconds) >= unitSize) ?? units.at(-1);
  return new Intl.RelativeTimeFormat(undefined, { numeric: "auto" }).format(Math.round(seconds / size), unit);
}

const plain = (at) => dated(at, { month: "long" });
const short = (at) => dated(at, { month: "short" });
const long = (at) => dated(at, { month: "long", weekday: "long" });

const TOKENS = {
  date_num: (at) => formatted(at, { dateStyle: "short" }),
  date_slash: (at) => formatted(at, { dateStyle: "short" }),
  date: plain,
  date_short: short,
  date_long: long,
  date_long_full: (at) => formatted(at, { dateStyle: "full" }),
  date_pretty: (at) => pretty(at, plain),
  date_short_pretty: (at) => pretty(at, short),
  date_long_pretty: (at) => pretty(at, long),
  day_divider_pretty: (at) => pretty(at, long),
  time: clock,
  time_secs: (at) => formatted(at, { timeStyle: "medium" }),
  ago,
};
