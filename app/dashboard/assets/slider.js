// A slider over places, each of which means a step of training: the address holds the step. Dash gives its
// thumb neither a name nor words: they are those of the group it stands in.
(function () {
  "use strict";
  function steps(group) {
    return group.dataset.steps.split(" ");
  }

  function name() {
    document.querySelectorAll("[data-steps] [role=slider]").forEach(function (thumb) {
      const group = thumb.closest("[data-steps]");
      const words = "step " + steps(group)[Number(thumb.getAttribute("aria-valuenow"))];
      if (thumb.getAttribute("aria-valuetext") === words) return;
      thumb.setAttribute("aria-label", group.getAttribute("aria-label"));
      thumb.setAttribute("aria-valuetext", words);
    });
  }
  new MutationObserver(name).observe(document.body, {
    childList: true,
    subtree: true,
    attributes: true,
    attributeFilter: ["aria-valuenow"],
  });

  window.dash_clientside = Object.assign({}, window.dash_clientside);
  window.dash_clientside.ired = Object.assign({}, window.dash_clientside.ired, {
    slid: function (place) {
      const group = document.querySelector("[data-steps]");
      if (group && Number.isInteger(place)) window.ired.set("step", steps(group)[place]);
    },
  });
})();
