// What blocks stand on: a message, a modal or the Home tab. It knows its fields, and how something in it is pressed.

import { act, told } from "./act.js";
import { confirmed } from "./confirm.js";
import { el, followable } from "./el.js";

export class Surface {
  /** `where` is how the server knows it; `values` are what its inputs hold at first; `say` shows what went wrong. */
  constructor({ act: name, where, values = {}, say }) {
    Object.assign(this, { name, where, values, say });
    this.fields = new Map();
  }

  /** An element that holds a value says how it is read, and where an error about it belongs. */
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

  /** Asks first where the app wants that. The node shows that it waits, and stays where the focus is. */
  async press(node, block, element, option = null) {
    if (node.getAttribute("aria-busy") === "true" || !(await confirmed(element.confirm))) return false;
    const asked = { ...this.where, block_id: block.block_id, action_id: element.action_id, option };
    const typed = this.name === "click-view" ? { typed: this.typed() } : {};
    const answer = await busy(node, () => act(this.name, { ...asked, ...typed }));
    this.say(told(answer));
    if (answer.ok && followable(element.url)) open(element.url, "_blank", "noopener");
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

/** Where a surface says that something went wrong. */
export function troubleLine() {
  const line = el("p", { class: "trouble", role: "alert" });
  const say = (sentence) => {
    line.replaceChildren(...(sentence ? [sentence] : []));
    if (sentence) line.scrollIntoView({ block: "nearest" });
  };
  return { line, say };
}
