// The keyboard: / filter, j k rows, Enter opens (a row's link has the focus), Esc back, t theme, ? help.
(function () {
  "use strict";

  function rows() {
    return Array.from(document.querySelectorAll("[data-row]")).filter((row) => row.offsetParent !== null);
  }

  function move(by) {
    const all = rows();
    if (!all.length) return;
    const now = all.indexOf(document.activeElement);
    const next = now < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(now + by, 0), all.length - 1);
    all[next].focus();
    all[next].scrollIntoView({ block: "nearest" });
  }

  function help() {
    const dialog = document.getElementById("help");
    if (dialog && !dialog.open) dialog.showModal();
  }

  // What is drawn anew loses the focus; it goes to the element that means the same.
  const MEANING = ["toggle", "flag", "sort", "key", "value", "choice"];
  let focused = null;

  function meaning(element) {
    if (element.dataset.move) return element.dataset.move;
    const told = MEANING.map((name) => element.dataset[name] || "").join("|");
    return element.closest("#content") ? element.tagName + told + (element.getAttribute("href") || "") : null;
  }

  function refocus() {
    if (focused === null || document.activeElement !== document.body) return;
    const same = Array.from(document.querySelectorAll("#content a, #content button, #content select"));
    const found = same.find((element) => meaning(element) === focused);
    if (found) found.focus({ preventScroll: true });
  }

  document.addEventListener("focusin", function (event) {
    focused = event.target.matches("a, button, select") ? meaning(event.target) : null;
  });
  document.addEventListener("pointerdown", function (event) {
    if (!event.target.closest("a, button, select")) focused = null;
  });
  new MutationObserver(refocus).observe(document.body, { childList: true, subtree: true });

  document.addEventListener("keydown", function (event) {
    if (event.metaKey || event.ctrlKey || event.altKey) return;
    const dialog = document.getElementById("help");
    if (dialog && dialog.open) return; // Esc closes it by itself
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "Escape") {
      if (typing) {
        event.preventDefault(); // a search box would be emptied
        event.target.blur();
      } else if (document.querySelector("[data-back]")) window.history.back();
      return;
    }
    if (typing) return;
    if (event.key === "/") {
      const box = document.querySelector("#filter-box input");
      if (box) {
        event.preventDefault();
        box.focus();
        box.select();
      }
    } else if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "t") window.ired.nextTheme();
    else if (event.key === "?") help();
  });
  document.addEventListener("click", function (event) {
    if (event.target.closest("#theme-button")) window.ired.nextTheme();
    else if (event.target.closest("#help-button")) help();
    else if (event.target.closest("#help-close")) document.getElementById("help").close();
  });
})();
