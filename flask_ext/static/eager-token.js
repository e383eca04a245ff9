// Reads the eager access token once, deletes its cookie, and hands the token over once:
//
//     const token = window.sealedSession.takeAccessToken();   // a string, or null
//
// The element that loads this script carries, in data-clear, the line that deletes the cookie with the attributes it
// was set with.
(() => {
  "use strict";
  const clear = document.currentScript.dataset.clear;
  const start = clear.slice(0, clear.indexOf("=") + 1);
  const cookie = document.cookie.split("; ").find((text) => text.startsWith(start));
  let token = null;
  if (cookie !== undefined) {
    document.cookie = clear;
    token = cookie.slice(start.length) || null;
  }
  window.sealedSession = Object.freeze({
    takeAccessToken() {
      const taken = token;
      token = null;
      return taken;
    },
  });
})();
