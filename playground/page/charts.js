// Charts: bars for bar, line and area charts, a bar of shares for a pie; and always a table of the numbers.

import { el, svg } from "./el.js";

const WIDTH = 100;
const HEIGHT = 40;

export function chart(block) {
  const { chart: its } = block;
  const drawn = its.type === "pie" ? shares(its) : its.type === "bar" ? bars(its) : lines(its);
  return el("figure", { class: "chart" }, el("figcaption", {}, block.title), drawn, its.type === "pie" ? parts(its) : numbers(its));
}

function picture(...children) {
  const size = { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none" };
  return svg("svg", { ...size, class: "plot", "aria-hidden": "true" }, children);
}

function hue(index) {
  return `series-${index % 6}`;
}

function shares(its) {
  const total = its.segments.reduce((sum, each) => sum + each.value, 0) || 1;
  let x = 0;
  const pieces = its.segments.map((each, index) => {
    const width = (each.value / total) * WIDTH;
    x += width;
    return svg("rect", { x: x - width, y: 0, width, height: HEIGHT, class: hue(index) });
  });
  const drawn = picture(pieces);
  drawn.classList.add("shares");
  return drawn;
}

function parts(its) {
  const row = (each, index) => el("tr", {}, el("th", { scope: "row" }, key(index), each.label), el("td", {}, each.value));
  return el("table", {}, el("tbody", {}, its.segments.map(row)));
}

function key(index) {
  return el("span", { class: `key ${hue(index)}`, "aria-hidden": "true" });
}

function highest(its) {
  return Math.max(1, ...its.series.flatMap((each) => each.data.map((point) => point.value)));
}

function bars(its) {
  const most = highest(its);
  const categories = its.axis_config.categories;
  const slot = WIDTH / categories.length;
  const width = (slot * 0.8) / its.series.length;
  return picture(its.series.flatMap((each, index) => categories.map((category, at) => {
    const height = (Math.max(0, valueAt(each, category)) / most) * HEIGHT;
    return svg("rect", { x: at * slot + slot * 0.1 + index * width, y: HEIGHT - height, width, height, class: hue(index) });
  })));
}

function lines(its) {
  const most = highest(its);
  const categories = its.axis_config.categories;
  const step = WIDTH / Math.max(1, categories.length - 1);
  return picture(its.series.map((each, index) => {
    const points = categories.map((category, at) => `${at * step},${HEIGHT - (valueAt(each, category) / most) * HEIGHT}`);
    return svg("polyline", { points: points.join(" "), class: `line ${hue(index)}` });
  }));
}

function valueAt(series, category) {
  return series.data.find((point) => point.label === category)?.value ?? 0;
}

function numbers(its) {
  const head = its.series.map((each, index) => el("th", { scope: "col" }, key(index), each.name));
  const row = (category) => [el("th", { scope: "row" }, category), its.series.map((each) => el("td", {}, valueAt(each, category)))];
  const rows = its.axis_config.categories.map((category) => el("tr", {}, row(category)));
  return el("div", { class: "framed", tabindex: "0", role: "group", "aria-label": "The chart’s numbers" },
    el("table", {}, el("thead", {}, el("tr", {}, el("td"), head)), el("tbody", {}, rows)));
}
