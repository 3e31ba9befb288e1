// The composer: a person's own message, or a slash command.

import { act, failureText } from "./act.js";
import { commandList } from "./commands.js";
import { el } from "./el.js";
import { channel, nameOf, remark, workspace } from "./workspace.js";

/** `where()` is the channel, and the thread if there is one. Slack has no commands in threads. */
export function composer(form, where) {
  const { thread_ts: inThread } = where() ?? {};
  const label = inThread ? "Reply in the thread" : "Message, or a command that begins with /";
  const box = el("textarea", { rows: "1", "aria-label": label, placeholder: inThread ? "Reply…" : "" });
  const trouble = el("p", { class: "trouble", role: "alert" });
  const send = el("button", { type: "submit", class: "send", "aria-label": "Send" }, "➤");
  const commands = inThread ? null : commandList(box);
  form.replaceChildren(...[trouble, commands?.list, el("div", { class: "writing" }, box, send)].filter(Boolean));
  box.addEventListener("keydown", (event) => commands?.keyed(event) || enter(event, form));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    trouble.replaceChildren(...[await sent(box, where())].filter(Boolean));
  });
  return box;
}

function enter(event, form) {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
}

/** Returns the error. A failed command is reported as in Slack: by a note in the channel. */
async function sent(box, where) {
  const text = box.value.trim();
  if (!text) return "";
  if (!where?.channel) return "The playground has not answered yet. Send it again in a moment.";
  const isCommand = text.startsWith("/") && !where.thread_ts;
  box.value = "";
  const answer = isCommand ? await act("command", { channel: where.channel, text }) : await act("say", { ...where, text });
  if (answer.ok) return "";
  if (!isCommand || answer.why) {
    box.value = text;
    return failureText(answer);
  }
  remark(where.channel, `\`${text.split(" ")[0]}\` failed with the error “${answer.error}”. ${failureText(answer)}`);
  return "";
}

/** The placeholder: where the message goes. */
export function invite(box, id) {
  const place = channel(id);
  const name = place?.kind === "im" ? nameOf(workspace.scene.app.user) : `#${place?.name ?? ""}`;
  box.placeholder = `Message ${name}, or ${workspace.scene.commands[0]?.name ?? "/command"}`;
}
