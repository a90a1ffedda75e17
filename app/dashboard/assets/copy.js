// A button with data-copy puts that text on the clipboard, and says whether it could.
(function () {
  "use strict";

  function tell(button, words) {
    const status = button.parentElement.querySelector(".copied");
    if (!status) return;
    status.textContent = words;
    window.setTimeout(function () {
      status.textContent = "";
    }, 3000);
  }

  // Where the browser refuses, the text is selected, so that Ctrl-C takes it.
  function select(button) {
    const text = button.parentElement.querySelector("pre");
    if (text) window.getSelection().selectAllChildren(text);
    tell(button, "Selected: press Ctrl-C");
  }

  document.addEventListener("click", function (event) {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    if (!navigator.clipboard) {
      select(button);
      return;
    }
    navigator.clipboard.writeText(button.dataset.copy).then(
      function () {
        tell(button, "Copied");
      },
      function () {
        select(button);
      },
    );
  });
})();
