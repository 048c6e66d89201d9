// The page around the maps of a comparison: language, legend, what is pointed at, tables.

window.__errors = 0;
window.addEventListener("error", () => { window.__errors += 1; });

(() => {
  const root = document.documentElement;
  const data = JSON.parse(document.getElementById("data").textContent);
  const { units, plans } = data;
  const tip = document.getElementById("tip"), chosen = document.getElementById("selected");
  const colour = document.getElementById("colour"), legend = document.getElementById("legend");
  const text = (key) => data.texts[root.lang][`js_${key}`] || key;
  const inNumbers = (value, digits) => value.toLocaleString("en", { maximumFractionDigits: digits || 0, minimumFractionDigits: digits || 0 });
  const moved = plans.map((plan) => new Set(plan.moved));
  let current = data.colourings[0], kept = null;

  function add(parent, name, words, className) {
    const node = parent.appendChild(document.createElement(name));
    if (words !== undefined) node.textContent = words;
    if (className) node.className = className;
    return node;
  }

  // One plan's word on a unit: community, minutes, and the change to the first plan.
  function lineOf(number, unit) {
    const plan = plans[number], minutes = plan.minutes[unit], base = plans[0].minutes[unit];
    const parts = [plan.place_name[plan.community[unit]] ?? "–", minutes === null ? text("no_reach") : `${inNumbers(minutes, 1)} ${text("min")}`];
    if (number && minutes !== null && base !== null) {
      const more = Math.round(10 * (minutes - base)) / 10;
      parts.push(more ? `${more > 0 ? "+" : "−"}${inNumbers(Math.abs(more), 1)}` : "±0");
    }
    return parts.join(" · ") + (moved[number].has(unit) ? " *" : "");
  }

  function read(unit) {
    document.querySelectorAll("figure[data-pane]").forEach((figure) => {
      figure.querySelector(".readout").textContent = unit >= 0 ? lineOf(Number(figure.dataset.pane), unit) : "\u00a0";
    });
  }

  function showTip(unit, event) {
    tip.hidden = unit < 0 || !event;
    if (tip.hidden) return;
    tip.replaceChildren();
    add(tip, "b", `${text("unit")} ${units.id[unit]}`);
    add(tip, "div", `${inNumbers(units.residents[unit])} ${text("residents")}`);
    plans.forEach((plan, number) => add(tip, "div", `${plan.name}: ${lineOf(number, unit)}`));
    if (moved.some((own) => own.has(unit))) add(tip, "div", `* ${text("moved")}`);
    const right = event.clientX + 320 > window.innerWidth, low = event.clientY + 60 + tip.offsetHeight > window.innerHeight;
    tip.style.left = `${Math.max(4, event.clientX + (right ? -tip.offsetWidth - 12 : 14))}px`;
    tip.style.top = `${event.clientY + (low ? -tip.offsetHeight - 12 : 14)}px`;
  }

  function swatch(parent, words, style, glyph) {
    const item = add(parent, "span", undefined, "item");
    for (const one of Array.isArray(style) ? style : [style]) {
      const mark = add(item, "i", glyph, one.className);
      if (one.background) mark.style.background = one.background;
    }
    add(item, "span", words);
  }

  function coloursRow(colouring, head) {
    const lang = root.lang, row = add(legend, "div", undefined, "row"), used = new Set();
    plans.forEach((plan, number) => { if (maps.keyOf(number) === colouring.key) plan.classes[colouring.key].forEach((c) => used.add(c)); });
    add(row, "b", head);
    colouring.labels.forEach((label, i) => {
      let last = i;
      while (last + 1 < colouring.labels.length && !colouring.labels[last + 1][lang]) last += 1;
      const own = Array.from({ length: last - i + 1 }, (_, j) => i + j);
      if (label[lang] && own.some((j) => used.has(j))) swatch(row, label[lang], own.map((j) => ({ background: colouring.colours[j] })));
    });
  }

  function drawLegend() {
    legend.replaceChildren();
    coloursRow(current, current.name[root.lang]);
    const minutes = data.colourings.find((c) => c.key === "minutes");
    if (current.key === "change") coloursRow(minutes, text("first_minutes"));
    const signs = add(legend, "div", undefined, "row");
    if (isOn("moved") && plans.some((plan) => plan.moved.length)) swatch(signs, text("moved"), { className: "hatch" });
    if (isOn("stations")) for (const [action, glyph] of [["kept", "●"], ["extended", "■"], ["opened", "▲"]])
      if (plans.some((plan) => plan.sites.action.includes(action))) swatch(signs, text(action), { className: `sign ${action}` }, glyph);
    if (isOn("stations") && plans.some((plan) => plan.sites.unlike.includes(false))) add(signs, "small", text("alike"));
  }

  const isOn = (name) => document.querySelector(`[data-layer="${name}"]`).checked;

  function pick(kind, what, zoom, row) {
    document.querySelectorAll("tr.on").forEach((one) => { one.classList.remove("on"); one.removeAttribute("aria-current"); });
    kept = kind === "unit" && what < 0 ? null : { kind, what };
    maps.select(kind, what, zoom);
    read(kind === "unit" ? what : -1);
    if (row) { row.classList.add("on"); row.setAttribute("aria-current", "true"); document.getElementById("maps").scrollIntoView({ block: "start" }); }
    root.dataset.selected = kept ? (kind === "unit" ? units.id[what] : kind === "community" ? units.before_ids[what] : what) : "";
    describe();
  }

  function describe() {
    chosen.replaceChildren();
    if (!kept) return;
    const { kind, what } = kept;
    if (kind === "unit") {
      add(chosen, "b", `${text("selected")}: ${text("unit")} ${units.id[what]}`);
      add(chosen, "span", plans.map((plan, number) => `${plan.name}: ${lineOf(number, what)}`).join("; "));
    } else if (kind === "community") {
      add(chosen, "b", `${text("selected")}: ${text("in")} ${units.before_ids[what]}`);
    } else {
      add(chosen, "b", `${text("selected")}: ${text("station")} ${what}`);
      add(chosen, "span", plans.map((plan) => {
        const i = plan.sites.id.indexOf(what);
        return `${plan.name}: ${i < 0 ? text("not_open") : `${text(plan.sites.action[i])}, ${inNumbers(plan.sites.area[i])} m²`}`;
      }).join("; "));
    }
  }

  // Units by id, communities by name or id in any plan, stations by name or id.
  function find(words) {
    const sought = words.trim().toLowerCase();
    if (!sought) return;
    const same = (one) => one.toLowerCase() === sought, holds = (one) => one.toLowerCase().includes(sought);
    for (const fits of [same, holds]) {
      const unit = units.id.findIndex(fits);
      for (const plan of plans) {
        const place = plan.place.findIndex((id, i) => fits(id) || fits(plan.place_name[i]));
        if (place >= 0) { pick("community", units.before[plan.community.indexOf(place)], true); return; }
      }
      if (unit >= 0) { pick("unit", unit, true); return; }
      for (const { sites } of plans) {
        const i = sites.id.findIndex((id, j) => fits(id) || fits(sites.name[j]));
        if (i >= 0) { pick("site", sites.id[i], true); return; }
      }
    }
    chosen.textContent = text("not_found");
  }

  function speak(lang) {
    root.lang = data.titles[lang] ? lang : "en";
    document.title = data.titles[root.lang];
    [...colour.options].forEach((option, i) => { option.textContent = data.colourings[i].name[root.lang]; });
    drawLegend(); describe();
  }

  // Column of a head below merged heads: counted by where it stands, not by its index.
  function columnOf(head) {
    const table = head.closest("table"), box = head.getBoundingClientRect(), middle = (box.left + box.right) / 2;
    const cells = [...table.tBodies[0].rows].find((row) => !row.hidden)?.cells || [];
    return [...cells].findIndex((cell) => { const own = cell.getBoundingClientRect(); return own.left <= middle && middle <= own.right; });
  }

  function sortBy(head) {
    const table = head.closest("table"), body = table.tBodies[0], column = columnOf(head);
    if (column < 0) return;
    const isNumeric = body.rows[0].cells[column].dataset.v !== undefined;
    const down = head.getAttribute("aria-sort") === (isNumeric ? "descending" : "ascending") ? !isNumeric : isNumeric;
    const key = (row) => { const cell = row.cells[column]; return isNumeric ? Number(cell.dataset.v) : cell.innerText.trim(); };
    const keyed = [...body.rows].map((row) => [key(row), row]);
    keyed.sort(([a], [b]) => (isNumeric ? a - b : a.localeCompare(b, root.lang)) * (down ? -1 : 1));
    body.append(...keyed.map(([, row]) => row));
    table.querySelectorAll("th[aria-sort]").forEach((other) => other.setAttribute("aria-sort", "none"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
  }

  function showPlans() {
    const boxes = [...document.querySelectorAll("[data-plan]")];
    if (boxes.length && !boxes.some((box) => box.checked)) boxes[0].checked = true;
    boxes.forEach((box) => { document.querySelector(`figure[data-pane="${box.dataset.plan}"]`).hidden = !box.checked; });
    document.querySelector(".maps").dataset.shown = boxes.length ? boxes.filter((box) => box.checked).length : plans.length;
    maps?.resize();
  }

  function choose(row) {
    const { kind, place } = row.dataset;
    pick(kind, kind === "community" ? units.before_ids.indexOf(place) : place, true, row);
  }

  let maps = null;
  for (const c of data.colourings) add(colour, "option").value = c.key;
  if (window.matchMedia("(max-width: 680px)").matches) document.querySelectorAll("[data-plan]").forEach((box) => { box.checked = Number(box.dataset.plan) < 2; });
  showPlans();
  maps = compareMaps(data, { tip: showTip, read, pick });
  const known = document.getElementById("known"), names = new Set(plans.flatMap((plan) => plan.place_name));
  for (const name of [...names].slice(0, 1000)) add(known, "option").value = name;
  colour.addEventListener("change", () => { current = maps.colour(colour.value); drawLegend(); });
  document.querySelectorAll("[data-layer]").forEach((box) => box.addEventListener("change", () => { maps.layer(box.dataset.layer, box.checked); drawLegend(); }));
  document.querySelectorAll("[data-plan]").forEach((box) => box.addEventListener("change", showPlans));
  document.querySelectorAll("[data-zoom]").forEach((button) => button.addEventListener("click", () => maps.zoom(button.dataset.zoom)));
  document.getElementById("language").addEventListener("click", () => speak(root.lang === "en" ? "zh" : "en"));
  document.getElementById("find").addEventListener("submit", (event) => { event.preventDefault(); find(document.getElementById("sought").value); });
  for (const table of document.querySelectorAll("table.linked")) {
    table.tBodies[0].addEventListener("click", (event) => choose(event.target.closest("tr")));
    table.tBodies[0].addEventListener("keydown", (event) => {
      if (event.target.matches("tr") && (event.key === "Enter" || event.key === " ")) { event.preventDefault(); choose(event.target); }
    });
  }
  document.querySelectorAll("th[aria-sort] button").forEach((button) => button.addEventListener("click", () => sortBy(button.closest("th"))));
  const wanted = new URLSearchParams(location.hash.slice(1));
  if (wanted.get("colour")) { colour.value = wanted.get("colour"); current = maps.colour(colour.value); }
  speak(wanted.get("lang") || root.lang);
  root.dataset.ready = "1";
})();
