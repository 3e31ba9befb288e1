// What is wrong with how the page looks, as text: so that a test which fails says what to mend.

function visible(node) {
  const style = getComputedStyle(node);
  return style.visibility === "visible" && !node.closest(".unseen, .skip, [hidden], option");
}

/** What of a rectangle is seen, behind all the frames that cut it off. */
function clipped(rectangle, node) {
  let { left, top, right, bottom } = rectangle;
  for (let each = node; each && each !== document.documentElement; each = each.parentElement) {
    if (getComputedStyle(each).overflow === "visible") continue;
    const frame = each.getBoundingClientRect();
    left = Math.max(left, frame.left);
    top = Math.max(top, frame.top);
    right = Math.min(right, frame.right);
    bottom = Math.min(bottom, frame.bottom);
  }
  return { left, top, right, bottom };
}

function root() {
  return [...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body;
}

function texts() {
  const found = [];
  const walker = document.createTreeWalker(root(), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (!node.data.trim() || !visible(node.parentElement)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const each of range.getClientRects()) {
      const seen = clipped(each, node.parentElement);
      if (seen.right - seen.left > 1 && seen.bottom - seen.top > 1) found.push({ ...seen, node, text: node.data.trim().slice(0, 60) });
    }
  }
  return found;
}

/** Two texts that lie over each other. */
function overlaps() {
  const all = texts();
  const over = (a, b) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4;
  return all.flatMap((a, index) => all.slice(index + 1).filter((b) => a.node !== b.node && over(a, b)).map((b) => `${a.text} | ${b.text}`));
}

/** What is wider than the room it has. Frames that scroll by themselves may be. */
function wider() {
  const found = [];
  const { scrollWidth } = document.scrollingElement;
  if (scrollWidth > innerWidth) found.push(`the page: ${scrollWidth} > ${innerWidth}`);
  for (const node of root().querySelectorAll("*")) {
    if (!visible(node) || node.closest("svg, select, textarea, .framed, .unseen")) continue;
    const cut = node.scrollWidth > node.clientWidth + 1 && getComputedStyle(node).overflowX !== "visible";
    const out = node.getBoundingClientRect().right > innerWidth + 1;
    if (node.clientWidth && (cut || out)) found.push(`${node.tagName} ${node.className}: ${node.textContent.trim().slice(0, 60)}`);
  }
  return found;
}

function parsed(colour) {
  const [red, green, blue, alpha = 1] = colour.match(/[\d.]+/g).map(Number);
  return { rgb: [red, green, blue], alpha };
}

function ground(node) {
  const layers = [];
  for (let each = node; each; each = each.parentElement) {
    layers.push(parsed(getComputedStyle(each).backgroundColor));
    if (layers.at(-1).alpha === 1) break;
  }
  return layers.reverse().reduce((under, { rgb, alpha }) => rgb.map((part, at) => part * alpha + under[at] * (1 - alpha)), [255, 255, 255]);
}

function light(rgb) {
  const [red, green, blue] = rgb.map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Texts that stand out too little from what they stand on: below 4.5 to 1. */
function faint() {
  const found = new Set();
  for (const { node, text } of texts()) {
    const of = node.parentElement;
    const [a, b] = [light(parsed(getComputedStyle(of).color).rgb), light(ground(of))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) found.add(`${ratio.toFixed(2)} ${of.tagName}.${of.className}: ${text}`);
  }
  return [...found];
}

/** Texts smaller than 12 px. */
function small() {
  const size = ({ node }) => Number.parseFloat(getComputedStyle(node.parentElement).fontSize);
  return texts().filter((text) => size(text) < 12).map((text) => `${size(text)} ${text.text}`);
}

/** How much of the screen a message takes, in px: its height without the bar that leads to its thread, how far below its top its buttons end, and the room for messages. */
function extent(message) {
  const box = message.getBoundingClientRect();
  const { top } = box;
  const height = box.height - (message.querySelector(".thread-link")?.getBoundingClientRect().height ?? 0);
  const ends = [...message.querySelectorAll(".block-actions")].map((row) => row.getBoundingClientRect().bottom - top);
  return { height, buttons_end: Math.max(0, ...ends), room: message.closest(".scroll").clientHeight };
}
