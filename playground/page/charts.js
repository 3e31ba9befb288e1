// Charts: bars for bar, line and area charts, a bar of shares for a pie; and always a table of the numbers.

import { el, svg } from "./el.js";

const WIDTH = 100;
const HEIGHT = 40;

export function chart(block) {
  const { chart: data } = block;
  const drawn = data.type === "pie" ? shares(data) : data.type === "bar" ? bars(data) : lines(data);
  return el("figure", { class: "chart" }, el("figcaption", {}, block.title), drawn, data.type === "pie" ? parts(data) : numbers(data));
}

function plot(...children) {
  const size = { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none" };
  return svg("svg", { ...size, class: "plot", "aria-hidden": "true" }, children);
}

function hue(index) {
  return `series-${index % 6}`;
}

function shares(data) {
  const total = data.segments.reduce((sum, segment) => sum + segment.value, 0) || 1;
  let x = 0;
  const pieces = data.segments.map((segment, index) => {
    const width = (segment.value / total) * WIDTH;
    x += width;
    return svg("rect", { x: x - width, y: 0, width, height: HEIGHT, class: hue(index) });
  });
  const drawn = plot(pieces);
  drawn.classList.add("shares");
  return drawn;
}

function parts(data) {
  const row = (segment, index) => el("tr", {}, el("th", { scope: "row" }, key(index), segment.label), el("td", {}, segment.value));
  return el("table", {}, el("tbody", {}, data.segments.map(row)));
}

function key(index) {
  return el("span", { class: `key ${hue(index)}`, "aria-hidden": "true" });
}

function highest(data) {
  return Math.max(1, ...data.series.flatMap((series) => series.data.map((point) => point.value)));
}

function bars(data) {
  const most = highest(data);
  const categories = data.axis_config.categories;
  const slot = WIDTH / categories.length;
  const width = (slot * 0.8) / data.series.length;
  return plot(data.series.flatMap((series, index) => categories.map((category, at) => {
    const height = (Math.max(0, valueAt(series, category)) / most) * HEIGHT;
    return svg("rect", { x: at * slot + slot * 0.1 + index * width, y: HEIGHT - height, width, height, class: hue(index) });
  })));
}

function lines(data) {
  const most = highest(data);
  const categories = data.axis_config.categories;
  const step = WIDTH / Math.max(1, categories.length - 1);
  return plot(data.series.map((series, index) => {
    const points = categories.map((category, at) => `${at * step},${HEIGHT - (valueAt(series, category) / most) * HEIGHT}`);
    return svg("polyline", { points: points.join(" "), class: `line ${hue(index)}` });
  }));
}

function valueAt(series, category) {
  return series.data.find((point) => point.label === category)?.value ?? 0;
}

function numbers(data) {
  const head = data.series.map((series, index) => el("th", { scope: "col" }, key(index), series.name));
  const row = (category) => [el("th", { scope: "row" }, category), data.series.map((series) => el("td", {}, valueAt(series, category)))];
  const rows = data.axis_config.categories.map((category) => el("tr", {}, row(category)));
  return el("div", { class: "framed", tabindex: "0", role: "group", "aria-label": "The chart’s numbers" },
    el("table", {}, el("thead", {}, el("tr", {}, el("td"), head)), el("tbody", {}, rows)));
}
