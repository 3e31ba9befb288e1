// A text object of either type.

import { el } from "./el.js";
import { plain } from "./emoji.js";
import { mrkdwn } from "./mrkdwn.js";

export function words(object) {
  if (object?.type === "mrkdwn") return mrkdwn(object.text);
  return object ? plain(object).split("\n").flatMap((line, index) => (index ? [el("br"), line] : [line])) : [];
}
