// The list of commands over the composer while someone types a command's name. The focus stays in the text.

import { el } from "./el.js";
import { workspace } from "./workspace.js";

let lists = 0;

/** Returns the list, and a function that takes the keys which the list understands: true if it used the key. */
export function commandList(box) {
  const list = el("ul", { class: "commands", role: "listbox", id: `commands-${(lists += 1)}`, "aria-label": "Commands", hidden: true });
  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-controls", list.id);
  box.addEventListener("input", () => fill(box, list));
  box.addEventListener("blur", () => close(box, list));
  return { list, keyed: (event) => steer(event, box, list) };
}

function fill(box, list) {
  const typed = box.value;
  const fitting = typed.startsWith("/") ? workspace.scene.commands.filter(({ name }) => name.startsWith(typed)) : [];
  list.replaceChildren(...fitting.map((command, index) => option(command, `${list.id}-${index}`, box, list)));
  list.hidden = !fitting.length;
  choose(box, list, 0);
}

function option({ name, hint, description }, id, box, list) {
  const pick = (event) => {
    event.preventDefault(); // keeps the focus in the text
    take(box, list, name);
  };
  return el("li", { role: "option", id, "data-command": name, mousedown: pick },
    el("strong", {}, name), " ", el("span", { class: "usage" }, hint), el("span", { class: "what" }, description));
}

function choose(box, list, index) {
  [...list.children].forEach((item, at) => item.setAttribute("aria-selected", String(at === index)));
  const chosen = list.hidden ? null : list.children[index];
  if (chosen) box.setAttribute("aria-activedescendant", chosen.id);
  else box.removeAttribute("aria-activedescendant");
}

function take(box, list, name) {
  box.value = `${name} `;
  close(box, list);
}

function close(box, list) {
  list.hidden = true;
  choose(box, list, 0);
}

function steer(event, box, list) {
  if (list.hidden) return false;
  const items = [...list.children];
  const at = items.findIndex((item) => item.ariaSelected === "true");
  const name = items[at].dataset.command;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const sends = event.key === "Enter" && box.value === name;
  if (step) choose(box, list, (at + step + items.length) % items.length);
  else if (event.key === "Escape" || sends) close(box, list);
  else if (event.key === "Tab" || event.key === "Enter") take(box, list, name);
  else return false;
  if (sends) return false;
  event.preventDefault();
  return true;
}
