// Avatars: the app's mark, or initials on a colour per person.

import { el } from "./el.js";
import { nameOf, workspace } from "./workspace.js";

export function avatar(id) {
  if (id === workspace.scene.app.user) return el("img", { class: "avatar", src: "/playground/page/mark.svg", alt: "" });
  return el("span", { class: `avatar hue-${hue(id)}`, "aria-hidden": "true" }, initials(nameOf(id)));
}

function initials(name) {
  const words = name.split(/\s+/).filter(Boolean);
  return [words[0], words.length > 1 ? words.at(-1) : ""].map((word) => [...(word ?? "")][0] ?? "").join("").toUpperCase();
}

function hue(id) {
  return [...id].reduce((sum, letter) => sum + letter.codePointAt(0), 0) % 6;
}
