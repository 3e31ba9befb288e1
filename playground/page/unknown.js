// Parts that the page cannot draw. They are reported, never left out.

import { el } from "./el.js";

export function unknown(what, it) {
  const type = typeof it?.type === "string" ? it.type : "without a type";
  return el("p", { class: "unknown", role: "note" }, `The playground cannot draw this ${what}: ${type}`);
}
