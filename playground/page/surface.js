// A surface: a message, modal or Home view. It knows its fields, and how its elements are pressed.

import { act, failureText } from "./act.js";
import { confirmed } from "./confirm.js";
import { el } from "./el.js";
import { follow } from "./links.js";

export class Surface {
  /** `where` identifies it to the server; `values` are the initial values of its inputs; `say` shows errors; `level` is that of its headings. */
  constructor({ act: name, where, values = {}, say, level }) {
    Object.assign(this, { name, where, values, say, level });
    this.fields = new Map();
  }

  /** An element with a value registers how to read it, and where to show its errors. */
  field(block, element, read) {
    this.fields.set(`${block.block_id} ${element.action_id}`, { block, element, read });
  }

  held(block, element) {
    return this.values[block.block_id]?.[element.action_id] ?? {};
  }

  typed() {
    const typed = {};
    for (const { block, element, read } of this.fields.values()) {
      typed[block.block_id] = { ...typed[block.block_id], [element.action_id]: read() };
    }
    return typed;
  }

  /** Ask for confirmation if the app wants it. The element shows that it is busy, and keeps the focus. */
  async press(node, block, element, option = null) {
    if (node.getAttribute("aria-busy") === "true" || !(await confirmed(element.confirm))) return false;
    const asked = { ...this.where, block_id: block.block_id, action_id: element.action_id, option };
    const typed = this.name === "click-view" ? { typed: this.typed() } : {};
    const answer = await busy(node, () => act(this.name, { ...asked, ...typed }));
    this.say(failureText(answer));
    if (answer.ok) follow(element.url);
    return answer.ok;
  }
}

export async function busy(node, work) {
  node.setAttribute("aria-busy", "true");
  try {
    return await work();
  } finally {
    node.removeAttribute("aria-busy");
  }
}

/** The place where a surface shows errors. */
export function troubleLine() {
  const line = el("p", { class: "trouble", role: "alert" });
  const say = (sentence) => {
    line.replaceChildren(...(sentence ? [sentence] : []));
    if (sentence) line.scrollIntoView({ block: "nearest" });
  };
  return { line, say };
}
