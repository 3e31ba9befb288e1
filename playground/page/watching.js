// A stream is open only while the window is visible: a browser allows six connections per server, for all windows
// together, and someone who acts as many people has many windows.

/** `open` returns an EventSource that starts with the whole state. Returns a function that reopens it. */
export function whileSeen(open) {
  let source = null;
  const look = () => {
    source?.close();
    source = document.hidden ? null : open();
  };
  document.addEventListener("visibilitychange", look);
  look();
  return look;
}
