// The app's Home tab. Each visit sends an event to the app, which publishes it again.

import { act, failureText } from "./act.js";
import { blocks } from "./blocks.js";
import { byId, el } from "./el.js";
import { inPlaceOf } from "./keyed.js";
import { onMove, place } from "./place.js";
import { Surface, troubleLine } from "./surface.js";
import { when, workspace } from "./workspace.js";

let visited = ""; // the last visitor
let shown = null;

export function home() {
  when(["home", "scene"], draw);
  onMove(draw);
}

function draw() {
  if (place().kind !== "home") {
    visited = "";
    return;
  }
  const view = workspace.home;
  const stamp = `${view?.id} ${view?.hash}`;
  if (shown?.stamp !== stamp) show(view, stamp);
  if (visited !== workspace.me) visit();
}

async function visit() {
  visited = workspace.me;
  const answer = await act("home", {});
  shown.say(failureText(answer));
}

function show(view, stamp) {
  const { line, say } = troubleLine();
  const where = { view: view?.id };
  const surface = new Surface({ act: "click-view", where, values: view?.values, say, level: 2 });
  const nothing = el("p", { class: "hint" }, "The app has drawn nothing here yet.");
  const root = el("div", { class: "blocks", tabindex: "-1" }, line, view ? blocks(view.blocks, surface) : nothing);
  if (shown) inPlaceOf(shown.root, root);
  else byId("home").replaceChildren(root);
  shown = { stamp, root, say };
}
