// One step for all: the step under the cursor moves the line in every chart of a linked page, the table of
// values and the distributions. The data were sent with the page (step_values, binned), so that no question
// goes to the server. A click keeps the step in the address. A highlighted group stands out by styles alone.
(function () {
  "use strict";
  const NEAR = 4; // pixels between press and release of a click
  const sent = { page: null, values: null, bins: null };
  let hovered = null; // step under the cursor
  let pressed = null;
  let isDrawing = false; // whether the next frame draws the newest step
  let allSteps = [];

  function query() { return new URLSearchParams(window.location.search); }
  function byId(id) { return document.getElementById(id); }
  function linkedPage() {
    const place = document.querySelector("[data-linked]");
    return place && place.dataset.linked;
  }

  function stepsOf(values, bins) {
    const steps = new Set();
    ((values && values.groups) || []).forEach((group) => group.steps.forEach((step) => steps.add(step)));
    Object.values((bins && bins.quantities) || {}).forEach(function (quantity) {
      Object.keys(quantity.steps).forEach((step) => steps.add(Number(step)));
    });
    return Array.from(steps).sort((a, b) => a - b);
  }

  // The place of the nearest of ascending numbers; -1 of none.
  function nearest(list, x) {
    let low = 0, high = list.length - 1;
    if (high < 0) return -1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (list[middle] < x) low = middle; else high = middle;
    }
    return Math.abs(list[low] - x) <= Math.abs(list[high] - x) ? low : high;
  }

  function keptStep() {
    const text = keepsSteps() ? query().get("step") : null;
    if (text !== null && /^\d+$/.test(text)) return Number(text);
    if (sent.values && sent.values.rest !== undefined) return sent.values.rest;
    return allSteps.length ? allSteps[allSteps.length - 1] : null;
  }
  // Which step that is, where the reader chose none.
  function restWords(step) {
    const values = sent.values;
    const isChosen = keepsSteps() && query().has("step");
    return hovered === null && !isChosen && step === values.rest && values.rest_words ? ", " + values.rest_words : "";
  }
  function now() { return hovered === null ? keptStep() : hovered; }

  // ---- the cursor
  function linkedPlots() {
    return Array.from(document.querySelectorAll("[data-linked] .graph")).map(function (place) {
      return { place, plot: place.querySelector(".js-plotly-plot"), line: place.querySelector(".cursor") };
    }).filter((one) => one.plot && one.plot._fullLayout && one.plot._fullLayout.xaxis && one.line);
  }

  function stepAt(event) {
    const plot = event.target.closest && event.target.closest("[data-linked] .graph .js-plotly-plot");
    if (!plot || !plot._fullLayout || !plot._fullLayout.xaxis) return null;
    const axis = plot._fullLayout.xaxis;
    const across = event.clientX - plot.getBoundingClientRect().left - axis._offset;
    if (across < 0 || across > axis._length || !allSteps.length) return null;
    return allSteps[nearest(allSteps, axis.p2d(across))];
  }

  function moveCursors(step) {
    linkedPlots().forEach(function (one) {
      const axis = one.plot._fullLayout.xaxis;
      const size = one.plot._fullLayout._size;
      const across = step === null ? NaN : axis.d2p(step);
      const isSeen = across >= 0 && across <= axis._length;
      one.line.style.display = isSeen ? "block" : "none";
      if (!isSeen) return;
      const inside = one.plot.getBoundingClientRect();
      const outside = one.place.getBoundingClientRect();
      one.line.style.left = inside.left - outside.left + axis._offset + across + "px";
      one.line.style.top = inside.top - outside.top + size.t + "px";
      one.line.style.height = size.h + "px";
    });
  }

  document.addEventListener("pointermove", function (event) {
    if (!linkedPage()) return;
    const step = stepAt(event);
    if (step === hovered) return;
    hovered = step;
    if (!isDrawing) window.requestAnimationFrame(refresh);
    isDrawing = true;
  });
  document.addEventListener("pointerdown", function (event) {
    pressed = stepAt(event) === null ? null : { x: event.clientX, y: event.clientY };
  }, true);
  window.addEventListener("pointerup", function (event) {
    const from = pressed;
    pressed = null;
    if (!from || Math.hypot(event.clientX - from.x, event.clientY - from.y) > NEAR) return;
    if (hovered !== null && keepsSteps()) window.ired.set("step", String(hovered));
  }, true);
  function keepsSteps() { return linkedPage() === "overview"; } // elsewhere the step means something else

  // ---- the table
  function sizes(numbers) { return numbers.filter((x) => x !== null && x !== 0).map((x) => Math.abs(x)); }
  function power(x) { return Math.floor(Math.log10(x)); }

  // The rule of decimals_of in group_numbers.py: four digits of the smallest mean, two of the smallest error.
  function decimalsOf(means, errors) {
    const ofMeans = sizes(means), ofErrors = sizes(errors);
    if (!ofMeans.length) return 0;
    const largest = Math.max.apply(null, ofMeans);
    let decimals = 3 - power(Math.min.apply(null, ofMeans));
    if (decimals > 9 || largest >= 1e7) return null;
    if (ofErrors.length)
      decimals = Math.max(decimals, Math.min(1 - power(Math.min.apply(null, ofErrors)), 9, 9 - power(largest)));
    return Math.max(0, decimals);
  }
  function written(x, decimals) {
    if (x === null || x === undefined) return "-";
    return decimals === null ? x.toExponential(3) : x.toFixed(decimals);
  }
  function cell(text, name) {
    const td = document.createElement("td");
    td.className = name || "number";
    td.textContent = text;
    return td;
  }

  function rowsAt(step) {
    const rows = [];
    sent.values.groups.forEach(function (group) {
      const place = nearest(group.steps, step);
      if (place < 0) return;
      rows.push({ group: group.group, line: group.line, mean: group.mean[place], sd: group.sd[place],
        n: group.n[place], step: group.steps[place], isHere: isBetween(group.steps, step) });
    });
    const sign = sent.values.higher ? -1 : 1;
    rows.sort((a, b) => b.isHere - a.isHere || (a.mean === null) - (b.mean === null) || sign * (a.mean - b.mean));
    return rows;
  }
  // Whether a group has values before and after a step: one that ended before, or began later, ranks with none.
  function isBetween(steps, step) { return steps[0] <= step && step <= steps[steps.length - 1]; }

  function separator() {
    const tr = document.createElement("tr");
    tr.className = "apart";
    const th = document.createElement("th");
    th.colSpan = 5;
    th.scope = "colgroup";
    th.textContent = "Without a value at this step, not ranked";
    tr.append(th);
    return tr;
  }

  function errorOf(row) { return row.n > 1 && row.sd !== null ? row.sd / Math.sqrt(row.n) : null; }

  function fillTable(page, step) {
    const body = byId(page + "-step-rows");
    if (!body || !sent.values) return "";
    if (step === null) { body.replaceChildren(); return ""; }
    const rows = rowsAt(step);
    const decimals = decimalsOf(rows.map((row) => row.mean), rows.map(errorOf));
    const chosen = query().get("highlight");
    const lines = rows.map(function (row) {
      const tr = document.createElement("tr");
      if (row.group === chosen) tr.className = "highlighted";
      const head = document.createElement("th");
      head.scope = "row";
      const swatch = document.createElement("span");
      swatch.className = "swatch line";
      swatch.style.background = row.line;
      head.append(swatch, row.group);
      tr.append(head, cell(written(row.mean, decimals)), cell(row.n > 1 ? written(row.sd, decimals) : "-"),
        cell(String(row.n)), cell(row.step === step ? "" : row.step.toLocaleString("en")));
      return tr;
    });
    body.closest("table").classList.toggle("one-step", rows.every((row) => row.step === step));
    const ranked = rows.filter((row) => row.isHere).length;
    if (ranked < rows.length) lines.splice(ranked, 0, separator());
    body.replaceChildren.apply(body, lines);
    return sent.values.metric + " at step " + step.toLocaleString("en") + restWords(step) + ", best first";
  }

  // ---- distributions
  const LAYOUT = {
    height: 220, margin: { t: 6, r: 12, b: 42, l: 48 }, showlegend: false, hovermode: false, dragmode: false,
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { family: "system-ui, sans-serif", size: 12 },
  };

  // The chosen group, or the first one that was probed, and its probed step that is the nearest.
  function momentOf(quantity, step) {
    const steps = Object.keys(quantity.steps).map(Number).sort((a, b) => a - b);
    const chosen = query().get("highlight");
    const order = sent.values ? sent.values.groups.map((group) => group.group) : [];
    const present = new Set();
    steps.forEach((one) => Object.keys(quantity.steps[one].groups).forEach((group) => present.add(group)));
    const group = present.has(chosen) ? chosen : order.find((one) => present.has(one)) || Array.from(present)[0];
    const own = steps.filter((one) => group in quantity.steps[one].groups);
    return own.length ? { group, step: own[nearest(own, step)] } : null;
  }

  function drawBins(page, step) {
    const place = byId(page + "-probed");
    if (!place) return "";
    place.hidden = !sent.bins || step === null;
    if (place.hidden) return "";
    if (!window.Plotly) { window.setTimeout(refresh, 50); return ""; }
    // What was not probed takes no space.
    place.querySelectorAll(".distribution").forEach(function (picture) {
      picture.parentElement.hidden = !(picture.id.slice(page.length + 1) in sent.bins.quantities);
    });
    const said = [];
    Object.entries(sent.bins.quantities).forEach(function ([name, quantity]) {
      const moment = momentOf(quantity, step);
      if (moment) said.push(drawOne(byId(page + "-" + name), quantity, moment));
    });
    const chosen = query().get("highlight");
    const first = said[0];
    let words = first ? first.words : "";
    if (first && chosen && first.group !== chosen) words += ". " + chosen + " was not probed";
    return words;
  }

  function drawOne(place, quantity, moment) {
    const at = quantity.steps[moment.step];
    const edges = quantity.edges || at.edges;
    const ink = getComputedStyle(document.documentElement).getPropertyValue("--ink").trim();
    let most = 0, lost = 0;
    const traces = Object.entries(at.groups[moment.group]).map(function ([kind, bins]) {
      most = Math.max(most, bins.n);
      lost += bins.lost;
      return { x: edges, y: bins.shares.concat([0]), mode: "lines", hoverinfo: "skip", name: kind,
        line: { shape: "hv", width: 1.5, color: quantity.colours[kind] || ink } };
    });
    const layout = Object.assign({}, LAYOUT, {
      xaxis: { type: quantity.log ? "log" : "linear", title: { text: quantity.label }, exponentformat: "power",
        nticks: 6, showline: true, ticks: "outside", zeroline: false, showgrid: false },
      yaxis: { rangemode: "tozero", title: { text: "share" }, nticks: 5, showline: true, ticks: "outside",
        zeroline: false, showgrid: false },
    });
    const shown = [moment.group, moment.step, quantity.level, ink].join();
    if (place.dataset.shown !== shown || place.drawnOf !== quantity) {
      window.Plotly.react(place, traces, layout, { displayModeBar: false, responsive: true, staticPlot: true });
      place.dataset.shown = shown;
      place.drawnOf = quantity;
    }
    let words = moment.group + " at step " + moment.step.toLocaleString("en") + ", the probed step nearest to the "
      + "cursor; noise level " + quantity.level + ", " + quantity.weights + " weights, all seeds together, at most "
      + most.toLocaleString("en") + " values of a kind";
    if (lost) words += "; some values have no place on the axis";
    return { words, group: moment.group };
  }

  // The words are written past Dash: its own way through all components takes longer than all drawing here.
  function write(id, words) {
    const place = byId(id);
    if (place && place.textContent !== words) place.textContent = words;
  }

  function refresh() {
    isDrawing = false;
    const page = linkedPage();
    if (!page || page !== sent.page) return;
    const step = now();
    moveCursors(step);
    if (sent.values) write(page + "-step-words", fillTable(page, step));
    if (sent.bins) write(page + "-probed-words", drawBins(page, step));
  }

  // ---- a highlighted group
  function styleSheet() {
    let sheet = byId("highlight-style");
    if (!sheet) {
      sheet = document.createElement("style");
      sheet.id = "highlight-style";
      document.head.append(sheet);
    }
    return sheet;
  }

  function highlight() {
    const group = query().get("highlight");
    const pale = [];
    let isThere = false;
    if (group) {
      document.querySelectorAll(".graph .js-plotly-plot").forEach(function (plot) {
        (plot.data || []).forEach(function (trace) {
          if (!trace.uid || !trace.legendgroup) return;
          if (trace.legendgroup === group) isThere = true;
          else pale.push(".trace" + trace.uid);
        });
      });
    }
    const rule = isThere && pale.length ? pale.join(",") + "{opacity:0.12 !important}" : "";
    const sheet = styleSheet();
    if (sheet.textContent !== rule) sheet.textContent = rule;
  }

  let isWaiting = false;
  function later() {
    if (isWaiting) return;
    isWaiting = true;
    window.requestAnimationFrame(function () {
      isWaiting = false;
      highlight();
      if (linkedPage()) moveCursors(now());
    });
  }
  // Pictures are drawn some time after their data came, again after a zoom, and wider in a wider window.
  function watch() {
    const content = byId("content");
    if (!content) { window.setTimeout(watch, 50); return; }
    new MutationObserver(function (changes) {
      const isOurs = (node) => node.closest && node.closest(".distribution, .step-table, .cursor");
      if (changes.some((change) => !isOurs(change.target))) later();
    }).observe(content, { childList: true, subtree: true });
  }
  watch();
  window.addEventListener("resize", later);

  function take(key) {
    return function (data, _search) {
      const page = linkedPage();
      if (sent.page !== page) { sent.page = page; sent.values = sent.bins = null; hovered = null; }
      if (sent[key] !== data) {
        sent[key] = data;
        allSteps = stepsOf(sent.values, sent.bins);
      }
      const step = now();
      if (key === "bins") return drawBins(page, step);
      moveCursors(step);
      return fillTable(page, step);
    };
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside);
  window.dash_clientside.ired = Object.assign({}, window.dash_clientside.ired, {
    linkedValues: take("values"),
    linkedBins: take("bins"),
    highlight: function () { later(); },
  });
})();
