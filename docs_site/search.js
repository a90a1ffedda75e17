// The search: every word must begin some word of a part; a heading counts more than the text below it.
"use strict";

(() => {
  const MOST = 12;
  const AROUND = 70; // letters shown before and after the first hit
  const field = document.getElementById("search");
  const list = document.getElementById("hits");
  const count = document.getElementById("count");
  const top = document.body.dataset.top;
  const folded = document.querySelector(".folded");
  let chosen = -1;

  if (window.matchMedia("(max-width: 760px)").matches) folded.open = false;
  const here = document.querySelector(".contents [aria-current]");
  if (here) here.scrollIntoView({ block: "nearest" });

  const SHORT = 2; // letters: such a word stands for itself, or every word would begin with it
  const quoted = (word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const pattern = (word) => {
    const end = word.length <= SHORT ? "(?![\\p{L}\\p{N}])" : "";
    return new RegExp(`(?<![\\p{L}\\p{N}])${quoted(word)}${end}`, "giu");
  };
  const parts = (window.SEARCH_INDEX || []).map((part) => ({ ...part, isTitle: !part.address.includes("#") }));

  function score(part, words, phrase) {
    let total = 0;
    for (const word of words) {
      const inHeading = (part.heading.match(word) || []).length;
      const inPage = (part.page.match(word) || []).length;
      const inText = (part.text.match(word) || []).length;
      if (inHeading + inPage + inText === 0) return 0;
      total += 20 * Math.min(inHeading, 1) + 8 * Math.min(inPage, 1) + Math.min(inText, 8);
    }
    if (words.length > 1 && phrase.test(part.text)) total += 15;
    if (words.length > 1 && phrase.test(part.heading)) total += 30;
    if (part.address.startsWith("changelog")) total /= 4;
    return part.isTitle ? total + 4 : total;
  }

  function marked(text, words, phrase) {
    const span = document.createElement("span");
    const longest = [...words].sort((a, b) => b.source.length - a.source.length);
    const hits = [phrase, ...longest].map((each) => text.search(each)).filter((place) => place >= 0);
    const first = hits.length ? hits[0] : 0;
    const start = Math.max(0, text.lastIndexOf(" ", Math.max(0, first - AROUND)) + 1);
    const shown = text.slice(start, first + 2 * AROUND);
    const any = new RegExp(words.map((word) => word.source).join("|"), "giu");
    let end = 0;
    if (start > 0) span.append("… ");
    for (const hit of shown.matchAll(any)) {
      span.append(shown.slice(end, hit.index));
      const mark = document.createElement("mark");
      mark.textContent = hit[0];
      span.append(mark);
      end = hit.index + hit[0].length;
    }
    span.append(shown.slice(end));
    return span;
  }

  function show() {
    const typed = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    list.replaceChildren();
    chosen = -1;
    field.removeAttribute("aria-activedescendant");
    list.hidden = typed.length === 0;
    field.setAttribute("aria-expanded", String(!list.hidden));
    if (list.hidden) { count.textContent = ""; return; }
    const words = typed.map(pattern);
    const phrase = new RegExp(typed.map(quoted).join("[\\s-]+"), "iu");
    const found = parts.map((part) => [score(part, words, phrase), part]).filter(([points]) => points > 0);
    found.sort((a, b) => b[0] - a[0]);
    count.textContent = `${found.length} found`;
    if (!found.length) {
      const none = document.createElement("p");
      none.textContent = "Nothing found.";
      list.append(none);
    }
    found.slice(0, MOST).forEach(([, part], place) => {
      const link = document.createElement("a");
      link.href = `${top}/${part.address}`;
      link.id = `hit-${place}`;
      link.setAttribute("role", "option");
      link.setAttribute("aria-selected", "false");
      const name = document.createElement("b");
      name.textContent = part.isTitle ? part.page : `${part.page}: ${part.heading}`;
      link.append(name, marked(part.text, words, phrase));
      list.append(link);
    });
  }

  function choose(step) {
    const links = [...list.querySelectorAll("a")];
    if (!links.length) return;
    chosen = (chosen + step + links.length) % links.length;
    links.forEach((link, place) => link.setAttribute("aria-selected", String(place === chosen)));
    links[chosen].scrollIntoView({ block: "nearest" });
    field.setAttribute("aria-activedescendant", links[chosen].id);
  }

  function close() {
    list.hidden = true;
    field.setAttribute("aria-expanded", "false");
  }

  field.addEventListener("input", show);
  field.addEventListener("focus", show);
  field.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") { choose(1); event.preventDefault(); }
    if (event.key === "ArrowUp") { choose(-1); event.preventDefault(); }
    if (event.key === "Enter") {
      const link = list.querySelectorAll("a")[Math.max(chosen, 0)];
      if (link && !list.hidden) { close(); window.location.href = link.href; }
    }
    if (event.key === "Escape") { close(); field.blur(); }
  });
  document.addEventListener("keydown", (event) => {
    const isTyping = /^(input|textarea|select)$/i.test(event.target.tagName);
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey) { field.focus(); event.preventDefault(); }
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest(".search")) close();
  });
})();
