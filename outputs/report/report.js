// The page around the maps: language, legend, tooltips, tables and what is selected.

window.__errors = 0;
window.addEventListener("error", () => { window.__errors += 1; });

(() => {
  const root = document.documentElement;
  const data = JSON.parse(document.getElementById("data").textContent);
  const tip = document.getElementById("tip"), chosen = document.getElementById("selected");
  const colour = document.getElementById("colour"), legend = document.getElementById("legend");
  const text = (key) => data.texts[root.lang][`js_${key}`] || key;
  const inNumbers = (value, digits) => (value === null || value === undefined ? "–"
    : value.toLocaleString("en", { maximumFractionDigits: digits || 0 }));
  let current = data.colourings[0], picked = null;

  function add(parent, name, words, className) {
    const node = parent.appendChild(document.createElement(name));
    if (words !== undefined) node.textContent = words;
    if (className) node.className = className;
    return node;
  }

  function linesOfPlace(side, i) {
    const place = data[side], f = place.figures, lines = [place.name[i]];
    const parent = side === "after" ? data.before.id.indexOf(place.parent[i]) : -1;
    if (parent >= 0 && data.after.parent.filter((p) => p === place.parent[i]).length > 1) lines.push(`${text("from")} ${data.before.name[parent]}`);
    lines.push(`${inNumbers(f.residents[i])} ${text("residents")} · ${inNumbers(f.households[i])} ${text("households")}`);
    lines.push(`${inNumbers(f.floor_area_per_100_households[i], 1)} ${text("per_100")}`);
    const share = f.residents[i] ? 100 * f.residents_in_reach[i] / f.residents[i] : null;
    lines.push(`${inNumbers(share, 1)} % ${text("in_reach")} · ${inNumbers(f.mean_minutes[i], 1)} ${text("walk")}`);
    return lines;
  }

  function linesOfSite(layer, i, side) {
    const site = data[layer], before = inNumbers(site.before[i] ?? 0), after = inNumbers(site.after[i] ?? 0);
    const name = site.name[i] || site.id[i];
    if (side === "before") return [name, text("existing"), `${before} m²`];
    if (layer === "candidates") return [name, text("candidate"), `≤ ${inNumbers(site.most[i])} m²`];
    return [name, text(site.action[i]), before === after ? `${after} m²` : `${before} → ${after} m²`,
      `${text("serves")} ${inNumbers(site.served[i])} ${text("residents")}`];
  }

  function linesOfUnit(i) {
    const minutes = data.units.minutes[i];
    return `${text("unit")} ${data.units.id[i]}: ${inNumbers(data.units.residents[i])} ${text("residents")}, `
      + (minutes === null ? text("no_reach") : `${inNumbers(minutes, 1)} ${text("min")}`);
  }

  function hover(what, event) {
    tip.hidden = !what;
    if (!what) return;
    const lines = what.site !== undefined ? linesOfSite(what.layer, what.site, what.side) : linesOfPlace(what.side, what.place);
    if (what.unit >= 0) lines.push(linesOfUnit(what.unit));
    tip.replaceChildren();
    lines.forEach((line, i) => add(tip, i ? "div" : "b", line));
    const right = event.clientX + 290 > window.innerWidth, low = event.clientY + 150 > window.innerHeight;
    tip.style.left = `${event.clientX + (right ? -tip.offsetWidth - 12 : 14)}px`;
    tip.style.top = `${event.clientY + (low ? -tip.offsetHeight - 12 : 14)}px`;
  }

  function swatch(parent, words, style, glyph) {
    const item = add(parent, "span", undefined, "item");
    for (const one of Array.isArray(style) ? style : [style]) {
      const mark = add(item, "i", glyph, one.className);
      if (one.background) mark.style.background = one.background;
      if (one.color) mark.style.borderTopColor = one.color;
    }
    add(item, "span", words);
  }

  function drawLegend() {
    const lang = root.lang, used = new Set([...current.before, ...current.after]);
    legend.replaceChildren();
    const places = add(legend, "div", undefined, "row");
    add(places, "b", current.name[lang]);
    current.labels.forEach((label, i) => {
      let last = i;
      while (last + 1 < current.labels.length && !current.labels[last + 1][lang]) last += 1;
      const own = Array.from({ length: last - i + 1 }, (_, j) => i + j);
      if (label[lang] && own.some((j) => used.has(j))) swatch(places, label[lang], own.map((j) => ({ background: current.colours[j] })));
    });
    if (used.has(-1)) swatch(places, text("no_figure"), { background: data.no_figure });
    if (isOn("units") && current.key !== "minutes") {
      const minutes = data.colourings.find((c) => c.key === "minutes"), row = add(legend, "div", undefined, "row");
      add(row, "b", text("unit"));
      minutes.labels.forEach((label, i) => swatch(row, label[lang], { background: minutes.colours[i] }));
    }
    const signs = add(legend, "div", undefined, "row");
    if (data.cuts) swatch(signs, text("new_boundary"), { className: "line cut" });
    const layers = [["facilities", ["kept", "extended", "opened"], { kept: "●", extended: "■", opened: "▲" }], ["candidates", ["closed"], { closed: "+" }]];
    for (const [layer, actions, glyphs] of layers) for (const action of actions)
      if (isOn(layer) && data[layer].action.includes(action)) swatch(signs, text(action), { className: `sign ${action}` }, glyphs[action]);
    if (isOn("facilities") && data.facilities.id.length) add(signs, "small", `∝ ${text("size")}`);
    if (isOn("barriers")) for (const { kind, crossable } of data.barriers)
      swatch(signs, `${text(kind)} (${text(crossable ? "crossable" : "uncrossable")})`, { className: `line${crossable ? " dashed" : ""}`, color: INK[kind] || "#777" });
    if (isOn("network") && data.network) swatch(signs, text("street"), { className: "line street" });
  }

  const boxOfLayer = (name) => document.querySelector(`[data-layer="${name}"][type=checkbox]`);
  const isOn = (name) => boxOfLayer(name).checked;

  function pick(kind, id, options) {
    const { zoom = false, scroll = false } = options || {}, found = maps.select(kind, id, zoom);
    document.querySelectorAll("tr.on").forEach((row) => { row.classList.remove("on"); row.removeAttribute("aria-current"); });
    picked = found && { kind, id, found };
    root.dataset.selected = found ? id : "";
    describe();
    if (!found) return;
    const places = new Set(found.after.map((i) => data.after.id[i])), parents = new Set(found.before.map((i) => data.before.id[i]));
    for (const row of document.querySelectorAll("tr[data-place]")) {
      const { kind: own, place } = row.dataset;
      const on = own === "community" ? places.has(place) : own === "parent" ? kind !== "unit" && parents.has(place) : own === kind && place === id;
      if (!on) continue;
      row.classList.add("on"); row.setAttribute("aria-current", "true");
      if (!scroll) reveal(row);
    }
    if (scroll) document.getElementById("map").scrollIntoView({ block: "start" });
    if (kind !== "unit" && kind !== "site") history.replaceState(null, "", `#select=${encodeURIComponent(id)}`);
  }

  // Scrolls the table, never the page, and only to the first of the rows.
  function reveal(row) {
    const frame = row.closest(".tall");
    if (!frame || frame.querySelector("tr.on") !== row) return;
    frame.scrollTop = row.offsetTop - frame.clientHeight / 3;
  }

  function describe() {
    chosen.replaceChildren();
    if (!picked) return;
    const { found } = picked, parts = [];
    if (found.site >= 0) parts.push(linesOfSite("facilities", found.site, "after"));
    else if (found.unit >= 0) parts.push([linesOfUnit(found.unit)]);
    else if (picked.kind === "parent" && found.before.length) parts.push(linesOfPlace("before", found.before[0]));
    else found.after.forEach((i) => parts.push(linesOfPlace("after", i)));
    add(chosen, "b", `${text("selected")}: ${parts[0][0]}`);
    add(chosen, "span", parts[0].slice(1).join(" · "));
  }

  function speak(lang) {
    root.lang = data.titles[lang] ? lang : "en";
    document.title = data.titles[root.lang];
    [...colour.options].forEach((option, i) => { option.textContent = data.colourings[i].name[root.lang]; });
    drawLegend(); describe();
  }

  function sortBy(head) {
    const table = head.closest("table"), body = table.tBodies[0], column = head.cellIndex;
    const isNumeric = head.classList.contains("n") || body.rows[0]?.cells[column].dataset.v !== undefined;
    const down = head.getAttribute("aria-sort") === (isNumeric ? "descending" : "ascending") ? !isNumeric : isNumeric;
    const key = (row) => { const cell = row.cells[column]; return isNumeric ? Number(cell.dataset.v) : cell.innerText.trim(); };
    const keyed = [...body.rows].map((row) => [key(row), row]);
    keyed.sort(([a], [b]) => (isNumeric ? a - b : a.localeCompare(b, root.lang)) * (down ? -1 : 1));
    body.append(...keyed.map(([, row]) => row));
    table.querySelectorAll("th[aria-sort]").forEach((other) => other.setAttribute("aria-sort", "none"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
  }

  function filter(words) {
    const sought = words.trim().toLowerCase();
    let count = 0;
    for (const row of document.querySelector("#table tbody").rows) {
      row.hidden = !row.textContent.toLowerCase().includes(sought);
      count += row.hidden ? 0 : 1;
    }
    document.getElementById("count").textContent = count;
  }

  function followHash() {
    const wanted = new URLSearchParams(location.hash.slice(1));
    if (wanted.get("lang")) speak(wanted.get("lang"));
    const id = wanted.get("select");
    if (id) pick(data.before.id.includes(id) ? "parent" : "community", id, { zoom: true });
  }

  for (const c of data.colourings) add(colour, "option").value = c.key;
  const maps = planMaps(data, { hover, pick });
  for (const [name, layer] of [["units", data.units.d], ["barriers", data.barriers], ["network", data.network], ["candidates", data.candidates.id]])
    document.querySelector(`[data-for="${name}"]`).hidden = !layer.length;
  colour.addEventListener("change", () => { current = maps.colour(colour.value); drawLegend(); });
  document.querySelectorAll("[type=checkbox][data-layer]").forEach((box) => box.addEventListener("change", () => { maps.layer(box.dataset.layer, box.checked); drawLegend(); }));
  document.querySelectorAll("[data-zoom]").forEach((button) => button.addEventListener("click", () => maps.zoom(button.dataset.zoom)));
  document.getElementById("language").addEventListener("click", () => speak(root.lang === "en" ? "zh" : "en"));
  document.getElementById("filter").addEventListener("input", (event) => filter(event.target.value));
  for (const table of document.querySelectorAll("table.linked")) {
    const choose = (row) => pick(row.dataset.kind, row.dataset.place, { zoom: true, scroll: true });
    table.tBodies[0].addEventListener("click", (event) => choose(event.target.closest("tr")));
    table.tBodies[0].addEventListener("keydown", (event) => {
      if (event.target.matches("tr") && (event.key === "Enter" || event.key === " ")) { event.preventDefault(); choose(event.target); }
    });
    table.querySelectorAll("th[aria-sort] button").forEach((button) => button.addEventListener("click", () => sortBy(button.closest("th"))));
  }
  speak(root.lang);
  followHash();
  window.addEventListener("hashchange", followHash);
  root.dataset.ready = "1";
})();
