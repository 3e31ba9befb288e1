// The confirmation dialog. The browser keeps the focus inside, and Esc means no.

import { byId, el } from "./el.js";
import { plain } from "./emoji.js";

/** True at once if there is nothing to confirm. */
export function confirmed(asked) {
  if (!asked) return Promise.resolve(true);
  const dialog = byId("confirm");
  const answer = new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
  dialog.replaceChildren(...drawn(asked, (value) => dialog.close(value)));
  dialog.returnValue = "";
  dialog.showModal();
  return answer;
}

function drawn(asked, close) {
  const button = (style, label, value) =>
    el("button", { type: "button", class: `button ${style}`, click: () => close(value) }, plain(label));
  const style = asked.style === "danger" ? "danger" : "primary";
  return [
    el("header", {}, el("h2", { id: "confirm-title" }, plain(asked.title))),
    el("div", { class: "body" }, el("p", {}, plain(asked.text))),
    el("footer", {}, button("", asked.deny, "no"), button(style, asked.confirm, "yes")),
  ];
}
