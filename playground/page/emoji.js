// The emoji that apps use most. Others stay as written.

const EMOJI = {
  "+1": "👍", "-1": "👎", alarm_clock: "⏰", arrow_right: "➡️", art: "🎨", ballot_box_with_check: "☑️", bell: "🔔",
  black_circle: "⚫", bomb: "💣", books: "📚", bulb: "💡", calendar: "📆", chart_with_upwards_trend: "📈",
  clipboard: "📋", clock1: "🕐", construction: "🚧", email: "📧", exclamation: "❗", eyes: "👀", fire: "🔥", gear: "⚙️",
  green_circle: "🟢", hammer_and_wrench: "🛠️", heart: "❤️", heavy_check_mark: "✔️", hourglass: "⌛",
  hourglass_flowing_sand: "⏳", information_source: "ℹ️", key: "🔑", large_blue_circle: "🔵", large_green_circle: "🟢",
  large_orange_circle: "🟠", large_yellow_circle: "🟡", link: "🔗", lock: "🔒", mag: "🔍", memo: "📝", money_with_wings: "💸",
  no_entry: "⛔", no_entry_sign: "🚫", page_facing_up: "📄", paperclip: "📎", pencil2: "✏️", pushpin: "📌", question: "❓",
  raised_hand: "✋", red_circle: "🔴", robot_face: "🤖", rocket: "🚀", rotating_light: "🚨", scales: "⚖️", shield: "🛡️",
  smile: "😄", sparkles: "✨", speech_balloon: "💬", star: "⭐", stopwatch: "⏱️", tada: "🎉", thinking_face: "🤔",
  thumbsdown: "👎", thumbsup: "👍", unlock: "🔓", warning: "⚠️", wave: "👋", white_check_mark: "✅", x: "❌", zap: "⚡",
};

export function emoji(name) {
  return EMOJI[name] ?? `:${name}:`;
}

/** Plain text with its `:names:` replaced, unless the app disabled that. */
export function plain(object) {
  const text = object?.text ?? "";
  return object?.emoji === false ? text : text.replace(/:([\w+-]+):/g, (_, name) => emoji(name));
}
