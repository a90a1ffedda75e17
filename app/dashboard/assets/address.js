// The address holds the whole view. Controls with an id {"view": key}, and elements with data-key and
// data-value (set), data-toggle and data-value (add to, or take out of, a list), data-flag (on or off),
// data-sort (a column) or data-choice (a select) write it here.
(function () {
  "use strict";
  const TYPED = new Set(["filter", "x", "theme", "step", "level"]); // one entry of Back for many changes
  const REDRAWS = new Set(["metric", "scale", "log", "clock", "whole", "end"]);
  const REORDERS = new Set(["filter", "metric", "higher"]); // a long table begins at its first part again
  let own = null; // the address that a control wrote last: the page is not laid out anew for it
  let frames = 0;

  function query() {
    return new URLSearchParams(window.location.search);
  }

  function go(next, typed) {
    const text = next.toString();
    const search = text ? "?" + text : "";
    if (search === window.location.search) return;
    own = search;
    const url = window.location.pathname + search;
    if (typed) window.history.replaceState({}, "", url);
    else window.history.pushState({}, "", url);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    applyTheme();
  }

  function set(key, value) {
    const next = query();
    next.delete(key);
    if (REDRAWS.has(key)) next.delete("y"); // its ends mean something else then
    if (key === "clock") next.delete("x");
    // The filter's box writes its value also when the page opens: then the part of the address stays.
    if (REORDERS.has(key) && String(value || "") !== (query().get(key) || "")) next.delete("part");
    if (key === "part") window.scrollTo(0, 0);
    if (Array.isArray(value)) value.forEach((one) => next.append(key, one));
    else if (value === true) next.set(key, "1");
    else if (value !== null && value !== undefined && value !== "" && value !== false) next.set(key, String(value));
    go(next, TYPED.has(key));
  }

  // Write the ends of the axes that a zoom changed, as one change of the address.
  function zoom(change, axes) {
    if (!change) return;
    const next = query();
    axes.forEach((axis) => {
      const name = axis + "axis";
      const ends = change[name + ".range"] || [change[name + ".range[0]"], change[name + ".range[1]"]];
      if (change[name + ".autorange"]) next.delete(axis);
      else if (ends[0] !== undefined && Number.isFinite(Number(ends[0]))) {
        next.set(axis, ends.map((end) => Number(Number(end).toPrecision(8))).join(","));
      }
    });
    go(next, true);
  }

  function toggle(key, value) {
    const next = query();
    const all = next.getAll(key);
    next.delete(key);
    all.filter((one) => one !== value).forEach((one) => next.append(key, one));
    if (!all.includes(value)) next.append(key, value);
    go(next, false);
  }

  function press(control, on) {
    if (control.hasAttribute("aria-pressed")) control.setAttribute("aria-pressed", String(on));
  }

  function sort(column) {
    const next = query();
    const again = next.get("sort") === column;
    const down = next.get("descending") === "1";
    next.delete("descending");
    next.delete("part");
    if (again && down) next.delete("sort");
    else {
      next.set("sort", column);
      if (again) next.set("descending", "1");
    }
    go(next, false);
  }

  function follow(href) {
    const url = new URL(href, window.location.href);
    const theme = query().get("theme");
    if (theme) url.searchParams.set("theme", theme);
    const highlight = query().get("highlight"); // links were made before it was chosen
    if (highlight) url.searchParams.set("highlight", highlight);
    else url.searchParams.delete("highlight");
    const box = document.querySelector("#filter-box input"); // it may be ahead of the address
    const filter = box ? box.value : query().get("filter");
    url.searchParams.delete("filter");
    if (filter && !url.searchParams.has("run")) url.searchParams.set("filter", filter);
    own = null;
    window.history.pushState({}, "", url.pathname + url.search);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    window.scrollTo(0, 0);
    const content = document.getElementById("content");
    if (content) content.focus({ preventScroll: true });
  }

  function applyTheme() {
    const theme = query().get("theme");
    const root = document.documentElement;
    if (theme === "dark" || theme === "light") root.dataset.theme = theme;
    else delete root.dataset.theme;
    const button = document.getElementById("theme-button");
    if (button) button.textContent = "Theme: " + (root.dataset.theme || "system");
  }

  function nextTheme() {
    const order = ["auto", "light", "dark"];
    const now = order.indexOf(query().get("theme") || "auto");
    const next = order[(now + 1) % order.length];
    set("theme", next === "auto" ? "" : next);
  }

  document.addEventListener("click", function (event) {
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    const control = event.target.closest("[data-toggle], [data-sort], [data-flag], [data-key]");
    if (control) {
      const told = control.dataset;
      if (told.toggle) {
        toggle(told.toggle, told.value);
        press(control, query().getAll(told.toggle).includes(told.value));
      } else if (told.flag) {
        set(told.flag, query().get(told.flag) !== "1");
        press(control, query().get(told.flag) === "1");
      }
      else if (told.sort) sort(told.sort);
      else set(told.key, told.values ? JSON.parse(told.values) : told.value); // data-values: a whole list
      return;
    }
    const link = event.target.closest("a[data-page]");
    if (link && plain) {
      event.preventDefault();
      follow(link.href);
    }
  });
  document.addEventListener("change", function (event) {
    if (event.target.matches("select[data-choice]")) set(event.target.dataset.choice, event.target.value);
  });
  window.addEventListener("popstate", function () {
    own = null;
    applyTheme();
  });
  applyTheme();

  window.ired = { set, toggle, nextTheme, follow };
  window.dash_clientside = Object.assign({}, window.dash_clientside);
  window.dash_clientside.ired = Object.assign({}, window.dash_clientside.ired, {
    frame: function (search) {
      if (search === own && frames > 0) return window.dash_clientside.no_update;
      frames += 1;
      applyTheme();
      return { search: search || "", number: frames };
    },
    write: function (values) {
      const inputs = window.dash_clientside.callback_context.triggered;
      inputs.forEach(function (told) {
        const key = JSON.parse(told.prop_id.slice(0, told.prop_id.lastIndexOf("."))).view;
        set(key, told.value);
      });
    },
    // Zooming writes the ends of the axes; a double click takes them out.
    zoomed: function (change) {
      zoom(change, ["x"]);
    },
    zoomedBoth: function (change) {
      zoom(change, ["x", "y"]);
    },
  });
})();
