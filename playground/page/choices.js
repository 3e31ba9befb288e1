// Inputs with a value: selects, checkboxes, dates and texts. Each uses the browser's own control.

import { act } from "./act.js";
import { el } from "./el.js";
import { plain } from "./emoji.js";
import { words } from "./words.js";
import { workspace } from "./workspace.js";

/** Draw the input. `changed` is called with the node and its value after each choice. */
export function choices(it, block, surface, { id, label, described, changed }) {
  const [node, read] = holders[it.type](it, surface.held(block, it), { id, label, described, block, surface });
  node.setAttribute("data-action", it.action_id);
  if (!node.dataset.name) node.dataset.name = `${block.block_id} ${it.action_id}`;
  surface.field(block, it, read);
  if (changed) node.addEventListener("change", () => changed(node, read()));
  return node;
}

const people = () => workspace.scene.people.filter((person) => person.playable).map((person) => option(person.id, person.real_name));
const channels = () => workspace.scene.channels.filter((channel) => channel.kind !== "im").map((channel) => option(channel.id, `#${channel.name}`));
const offered = (it) => [...(it.options ?? []), ...(it.option_groups ?? []).flatMap((group) => group.options)];

/** By type: how to draw it, its initial value, and how to read it. */
export const holders = {
  static_select: (it, held, how) => select(it, offered(it), held.selected_option?.value, how),
  external_select: external,
  users_select: (it, held, how) => select(it, people(), held.selected_user, how),
  conversations_select: (it, held, how) => select(it, channels(), held.selected_conversation, how),
  channels_select: (it, held, how) => select(it, channels(), held.selected_channel, how),
  multi_static_select: (it, held, how) => boxes("checkbox", offered(it), values(held.selected_options), how),
  multi_users_select: (it, held, how) => boxes("checkbox", people(), held.selected_users, how),
  multi_conversations_select: (it, held, how) => boxes("checkbox", channels(), held.selected_conversations, how),
  multi_channels_select: (it, held, how) => boxes("checkbox", channels(), held.selected_channels, how),
  checkboxes: (it, held, how) => boxes("checkbox", it.options, values(held.selected_options), how),
  radio_buttons: (it, held, how) => boxes("radio", it.options, values([held.selected_option]), how),
  datepicker: (it, held, how) => typed("date", held.selected_date, it, how),
  timepicker: (it, held, how) => typed("time", held.selected_time, it, how),
  datetimepicker: moment,
  plain_text_input: (it, held, how) => (it.multiline ? area(it, held.value, how) : typed("text", held.value, it, how)),
  email_text_input: (it, held, how) => typed("email", held.value, it, how),
  url_text_input: (it, held, how) => typed("url", held.value, it, how),
  number_input: (it, held, how) => typed("text", held.value, it, { ...how, inputmode: "decimal" }),
};

function option(value, text) {
  return { value, text: { type: "plain_text", text } };
}

function values(options) {
  return (options ?? []).filter(Boolean).map((option) => option.value);
}

function named({ id, label, described, block }) {
  const aria = id ? {} : { "aria-label": label };
  const required = block.type === "input" && !block.optional;
  return { id, ...aria, "aria-describedby": described, "aria-required": required ? "true" : null };
}

function select(it, options, held, how) {
  const none = el("option", { value: "" }, it.placeholder ? plain(it.placeholder) : "Choose one");
  const drawn = options.map((option) => el("option", { value: option.value, selected: option.value === held }, plain(option.text)));
  const node = el("select", named(how), none, drawn);
  return [node, () => node.value || null];
}

/** The app supplies the options for the typed text. */
function external(it, held, how) {
  const list = el("datalist", { id: `offered-${how.block.block_id}-${it.action_id}` });
  const node = el("input", { ...named(how), type: "text", list: list.id, value: held.selected_option?.value });
  node.addEventListener("input", async () => {
    const asked = { block_id: how.block.block_id, action_id: it.action_id, typed: node.value };
    const { body } = await act("suggest", asked);
    list.replaceChildren(...offered(body ?? {}).map((option) => el("option", { value: option.value }, plain(option.text))));
  });
  const holder = el("span", {}, node, list);
  return [holder, () => node.value || null];
}

let groups = 0;

function boxes(type, options, held, how) {
  const name = `choice-${(groups += 1)}`;
  const drawn = options.map((option) => {
    const box = el("input", { type, name, value: option.value, checked: (held ?? []).includes(option.value) });
    const more = option.description && el("small", {}, words(option.description));
    return el("label", { class: "box" }, box, el("span", {}, words(option.text), more));
  });
  const role = type === "radio" ? "radiogroup" : "group";
  const required = type === "radio" ? {} : { "aria-required": null }; // not an attribute of groups
  const node = el("div", { class: "boxes", role, tabindex: "-1", ...named(how), ...required, "aria-label": how.label }, drawn);
  const picked = () => [...node.querySelectorAll("input:checked")].map((input) => input.value);
  return [node, () => (type === "radio" ? picked()[0] ?? null : picked())];
}

function typed(type, held, it, how) {
  const { min_length: minlength, max_length: maxlength } = it;
  const placeholder = it.placeholder && plain(it.placeholder);
  const node = el("input", { ...named(how), type, inputmode: how.inputmode, minlength, maxlength, placeholder });
  node.value = held ?? "";
  return [node, () => node.value || null];
}

function area(it, held, how) {
  const placeholder = it.placeholder && plain(it.placeholder);
  const node = el("textarea", { ...named(how), rows: "4", maxlength: it.max_length, placeholder });
  node.value = held ?? "";
  return [node, () => node.value || null];
}

/** A date and time in the reader's time zone; Slack counts in seconds since the epoch. */
function moment(it, held, how) {
  const [node] = typed("datetime-local", null, {}, how);
  if (held.selected_date_time) node.value = local(new Date(held.selected_date_time * 1000));
  return [node, () => (node.value ? Math.floor(new Date(node.value).valueOf() / 1000) : null)];
}

function local(at) {
  const two = (number) => String(number).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}
