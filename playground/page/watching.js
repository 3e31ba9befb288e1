// A stream is held open only while the window is seen: a browser allows six connections to a server, over all its
// windows together, and somebody who acts as many people has many windows.

/** `open` gives an EventSource that begins with all there is. Returns how it is opened anew. */
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
