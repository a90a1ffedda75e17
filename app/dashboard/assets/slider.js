// A slider over the steps of training: the address holds the step, and the knob follows it, whoever wrote it.
// Dash gives its thumb neither a name nor words, and no arrow key between marks that are unevenly apart: an
// arrow key leads to the next step here, near or far.
(function () {
  "use strict";
  const KEYS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 };

  function steps(group) {
    return group.dataset.steps.split(" ").map(Number);
  }
  function keptStep() {
    const text = new URLSearchParams(window.location.search).get("step");
    return text !== null && /^\d+$/.test(text) ? Number(text) : null;
  }
  // The place of the step that is nearest to the one in the address; without any, of the one where it rests.
  function placeOf(group, step) {
    const list = steps(group);
    if (step === null) step = Number(group.dataset.rest);
    return list.reduce((best, one, i) => (Math.abs(one - step) < Math.abs(list[best] - step) ? i : best), 0);
  }

  function name() {
    document.querySelectorAll("[data-steps] [role=slider]").forEach(function (thumb) {
      const group = thumb.closest("[data-steps]");
      const words = "step " + thumb.getAttribute("aria-valuenow");
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

  document.addEventListener("keydown", function (event) {
    const group = event.target.closest && event.target.closest("[data-steps]");
    if (!group || event.target.getAttribute("role") !== "slider" || !(event.key in KEYS)) return;
    event.preventDefault();
    event.stopPropagation();
    const list = steps(group);
    const place = placeOf(group, keptStep()) + KEYS[event.key];
    if (place >= 0 && place < list.length) window.ired.set("step", String(list[place]));
  }, true);

  function follow() {
    const group = document.querySelector("[data-steps]");
    if (!group) return;
    const list = steps(group), step = keptStep();
    const value = list[placeOf(group, step)];
    const thumb = group.querySelector("[role=slider]");
    if (thumb && Number(thumb.getAttribute("aria-valuenow")) !== value) {
      window.dash_clientside.set_props(group.dataset.slider, { value });
    }
    const last = group.querySelector("[data-key=step]");
    if (last) last.setAttribute("aria-pressed", String(step === null));
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside);
  window.dash_clientside.ired = Object.assign({}, window.dash_clientside.ired, {
    slid: function (value) {
      const group = document.querySelector("[data-steps]");
      if (!group || typeof value !== "number") return;
      const list = steps(group);
      // The knob stands there already: it followed the address, which may hold a step between its own.
      if (value === list[placeOf(group, keptStep())] || !list.includes(value)) return;
      window.ired.set("step", String(value));
    },
    followStep: follow,
  });
})();
