// What the page does not know how to draw. It is said aloud, and never left out.

import { el } from "./el.js";

export function unknown(what, it) {
  const type = typeof it?.type === "string" ? it.type : "without a type";
  return el("p", { class: "unknown", role: "note" }, `The playground cannot draw this ${what}: ${type}`);
}
