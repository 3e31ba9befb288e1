// Sends the person's acts to the server, and shows errors.

import { workspace } from "./workspace.js";

/** `{ok, error, why, errors, body}`: `error` is Slack's error code, `errors` are shown under inputs. */
export async function act(name, asked) {
  try {
    const answer = await fetch(`/playground/act/${name}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ...asked, as: workspace.me }),
    });
    return await answer.json();
  } catch {
    return { ok: false, error: "unreachable", errors: {} };
  }
}

const SENTENCES = {
  operation_timeout: "The app did not answer within 3 seconds. What you did may still have reached it.",
  dispatch_failed: "The app could not be reached, or answered with an error.",
  trouble_connecting: "We had some trouble connecting. Try again?",
  unreachable: "The playground does not answer. Is it still running?",
};

export function failureText(answer) {
  if (answer.ok) return "";
  const sentence = SENTENCES[answer.error] ?? answer.why ?? "It did not work.";
  return answer.error in SENTENCES ? `${sentence} (${answer.error})` : sentence;
}
