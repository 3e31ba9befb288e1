// Keeps a list of nodes in step with a list of items: unchanged items keep their node, with its focus and scroll.

const drawn = new WeakMap(); // for each parent, by key: the node and the item it was drawn from

export function keyed(parent, items, keyOf, draw) {
  const before = drawn.get(parent) ?? new Map();
  const after = new Map();
  for (const item of items) after.set(keyOf(item), kept(before.get(keyOf(item)), item, draw));
  drawn.set(parent, after);
  arrange(parent, [...after.values()].map((entry) => entry.node));
}

function kept(old, item, draw) {
  if (old && alike(old.item, item)) return old;
  const node = draw(item);
  if (old) inPlaceOf(old.node, node);
  return { item, node };
}

/** Usually the item is identical; after a reconnection it is a new object with equal content. */
function alike(one, other) {
  return Object.keys(other).every((name) => one[name] === other[name]) || JSON.stringify(one) === JSON.stringify(other);
}

/** Keep the focus if the new node has an element of the same name. */
export function inPlaceOf(old, node) {
  const name = old.contains(document.activeElement) ? nameOf(document.activeElement) : null;
  old.replaceWith(node);
  if (name === null) return;
  const same = [...node.querySelectorAll("[data-name]")].find((other) => other.dataset.name === name);
  (same ?? node).focus();
}

function nameOf(node) {
  return node.dataset.name ?? "";
}

function arrange(parent, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  nodes.forEach((node, index) => {
    if (parent.children[index] !== node) parent.insertBefore(node, parent.children[index] ?? null);
  });
}
