// Slack's mrkdwn: *bold*, _italic_, ~strike~, `code`, ```blocks```, > quotes, and references in <angle brackets>.

import { date } from "./dates.js";
import { el } from "./el.js";
import { emoji } from "./emoji.js";
import { followable, link } from "./links.js";
import { broadcast, channelNamed, group, user } from "./mentions.js";

/** The nodes of a text. No other kinds of nodes can arise. */
export function mrkdwn(text) {
  return text.split(/(```[^]+?```)/).flatMap((piece) => (isFence(piece) ? fence(piece) : lines(piece)));
}

function isFence(piece) {
  return piece.length > 6 && piece.startsWith("```") && piece.endsWith("```");
}

function fence(piece) {
  return [el("pre", {}, literal(piece.slice(3, -3).replace(/^\n|\n$/g, "")))];
}

function lines(piece) {
  return piece.split(/((?:^(?:&gt;|>) ?.*(?:\n|$))+)/m).flatMap((part) => (isQuote(part) ? quote(part) : broken(part)));
}

function isQuote(part) {
  return /^(&gt;|>)/.test(part);
}

function quote(part) {
  const inner = part.replace(/\n$/, "").replace(/^(&gt;|>) ?/gm, "");
  return [el("blockquote", {}, broken(inner))];
}

function broken(text) {
  return text.split("\n").flatMap((line, index) => (index ? [el("br"), ...inline(line)] : inline(line)));
}

const STYLED = (mark) => `(?<![\\p{L}\\p{N}${mark}])${mark}(?=\\S)([^${mark}\\n]+?)(?<=\\S)${mark}(?![\\p{L}\\p{N}${mark}])`;
const TOKEN = new RegExp(
  ["`([^`\\n]+)`", "<([^<>\\n]+)>", STYLED("\\*"), STYLED("_"), STYLED("~"), ":([a-z0-9_+-]+):"].join("|"),
  "u",
);

function inline(text) {
  const match = TOKEN.exec(text);
  if (!match) return text ? [literal(text)] : [];
  const [all, code, bracketed, bold, italic, strike, name] = match;
  const before = text.slice(0, match.index);
  const drawn = tokened({ code, bracketed, bold, italic, strike, name });
  return [...(before ? [literal(before)] : []), drawn, ...inline(text.slice(match.index + all.length))];
}

function tokened({ code, bracketed, bold, italic, strike, name }) {
  if (code !== undefined) return el("code", {}, literal(code));
  if (bracketed !== undefined) return special(bracketed);
  if (bold !== undefined) return el("strong", {}, inline(bold));
  if (italic !== undefined) return el("em", {}, inline(italic));
  if (strike !== undefined) return el("s", {}, inline(strike));
  return emoji(name);
}

function special(inner) {
  const cut = inner.indexOf("|");
  const [target, label] = cut < 0 ? [inner, ""] : [inner.slice(0, cut), inner.slice(cut + 1)];
  if (target.startsWith("@")) return user(target.slice(1), label);
  if (target.startsWith("#")) return channelNamed(target.slice(1), label);
  if (target.startsWith("!")) return command(target.slice(1), label);
  return link(literal(target), literal(label || (followable(literal(target)) ? target : `<${target}>`)));
}

function command(target, label) {
  const [name, ...rest] = target.split("^");
  if (name === "subteam") return group(rest[0], literal(label));
  if (name === "date") return date(rest[0], rest[1] ?? "", literal(label));
  if (["here", "channel", "everyone"].includes(name)) return broadcast(name);
  return literal(label || `<!${target}>`);
}

function literal(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}
