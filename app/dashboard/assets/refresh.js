// "updated 4 s ago", counted here; and no looking for changes while the tab is hidden.
(function () {
  "use strict";
  let last = null;

  function ago(seconds) {
    if (seconds < 2) return "updated now";
    if (seconds < 120) return "updated " + Math.floor(seconds) + " s ago";
    return "updated " + Math.floor(seconds / 60) + " min ago: is the server still running?";
  }

  function show() {
    const text = document.getElementById("updated-text");
    if (text && last !== null && !document.hidden) {
      const words = ago((Date.now() - last) / 1000);
      if (text.textContent !== words) text.textContent = words;
    }
  }

  document.addEventListener("visibilitychange", function () {
    window.dash_clientside.set_props("interval", { disabled: document.hidden });
    if (!document.hidden) window.dash_clientside.set_props("wake", { data: Date.now() });
  });
  window.setInterval(show, 1000);

  window.dash_clientside = Object.assign({}, window.dash_clientside);
  window.dash_clientside.ired = Object.assign({}, window.dash_clientside.ired, {
    updated: function () {
      last = Date.now();
      show();
    },
  });
})();
