// Elements that can be pressed or chosen in a block: buttons, menus, selects, dates.

import { choices, holders } from "./choices.js";
import { el, svg, unseen } from "./el.js";
import { plain } from "./emoji.js";
import { unknown } from "./unknown.js";

/** Outside an input block, each choice is sent at once. */
export function element(it, block, surface) {
  const draw = Object.hasOwn(PRESSED, it?.type) ? PRESSED[it.type] : null;
  if (draw) return draw(it, block, surface);
  if (!Object.hasOwn(holders, it?.type)) return unknown("element", it);
  const label = it.placeholder?.text ?? "Choose";
  return choices(it, block, surface, { label, changed: (node, value) => surface.press(node, block, it, value) });
}

/** Identifies the element in a redrawn card: blocks without an id get a new one each time. */
function nameOf(it) {
  return `${it.action_id} ${it.accessibility_label ?? it.text?.text ?? ""}`;
}

const PRESSED = { button, overflow, feedback_buttons: feedback, icon_button: iconButton };

function button(it, block, surface) {
  const node = el(
    "button",
    {
      type: "button",
      class: `button ${it.style ?? ""}`,
      "aria-label": it.accessibility_label,
      "data-name": nameOf(it),
      "data-action": it.action_id,
      click: () => surface.press(node, block, it),
    },
    plain(it.text),
    it.url && unseen(" (opens a page)"),
  );
  return node;
}

function iconButton(it, block, surface) {
  return button({ ...it, accessibility_label: it.accessibility_label ?? it.text.text }, block, surface);
}

function feedback(it, block, surface) {
  return [it.positive_button, it.negative_button].map((option) =>
    button({ ...option, action_id: it.action_id }, block, surface),
  );
}

function overflow(it, block, surface) {
  const list = el("div", { class: "menu", role: "menu", hidden: true, keydown: (event) => steer(event, opener, list) });
  const opener = el(
    "button",
    {
      type: "button",
      class: "button overflow",
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      "aria-label": it.accessibility_label ?? "More",
      "data-name": nameOf(it),
      "data-action": it.action_id,
      click: () => (list.hidden ? unfold(opener, list) : fold(opener, list)),
    },
    dots(),
  );
  list.append(...it.options.map((option) => item(option, () => {
    fold(opener, list);
    opener.focus();
    surface.press(opener, block, { ...it, url: option.url }, option.value);
  })));
  return el("span", { class: "menu-holder", focusout: (event) => left(event, opener, list) }, opener, list);
}

function item(option, click) {
  const label = [plain(option.text), option.description && el("small", {}, plain(option.description))];
  return el("button", { type: "button", role: "menuitem", tabindex: "-1", click }, label);
}

function dots() {
  const dot = (cx) => svg("circle", { cx, cy: 8, r: 1.6 });
  return svg("svg", { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" }, [2.5, 8, 13.5].map(dot));
}

function unfold(opener, list) {
  list.hidden = false;
  opener.setAttribute("aria-expanded", "true");
  // The menu opens to the side with more room.
  list.classList.toggle("leftwards", opener.getBoundingClientRect().left > innerWidth / 2);
  list.firstElementChild.focus();
  list.scrollIntoView({ block: "nearest" });
}

function fold(opener, list) {
  list.hidden = true;
  opener.setAttribute("aria-expanded", "false");
}

function left(event, opener, list) {
  if (!event.currentTarget.contains(event.relatedTarget)) fold(opener, list);
}

function steer(event, opener, list) {
  const items = [...list.children];
  const at = items.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
  if (to !== undefined) items.at(to % items.length).focus();
  else if (event.key === "Escape") {
    fold(opener, list);
    opener.focus();
  } else return;
  event.preventDefault();
  event.stopPropagation();
}
