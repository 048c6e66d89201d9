// The page around the maps: language, legend, tooltips, tables and what is selected.

(() => {
  const tip = document.getElementById("tip"), chosen = document.getElementById("selected");
  const legend = document.getElementById("legend");
  const inNumbers = (value, digits) => (value === null || value === undefined ? "–"
    : value.toLocaleString("en", { maximumFractionDigits: digits || 0 }));
  let current = data.colourings[0], picked = null;

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
    const lines = what.gap !== undefined ? [...data.gaps.lines[what.gap][root.lang]]
      : what.site !== undefined ? linesOfSite(what.layer, what.site, what.side) : linesOfPlace(what.side, what.place);
    if (what.unit >= 0) lines.push(linesOfUnit(what.unit));
    tip.replaceChildren();
    lines.forEach((line, i) => add(tip, i ? "div" : "b", line));
    placeTip(tip, event, { wide: 290, high: 150 });
  }

  function drawLegend() {
    const lang = root.lang, used = new Set([...current.before, ...current.after]);
    legend.replaceChildren();
    const places = add(legend, "div", undefined, "row");
    add(places, "b", current.name[lang]);
    swatches(places, current, used);
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
    if (isOn("gaps")) add(swatch(signs, text("gap"), { className: "sign gap" }, "◆"), "small", `∝ ${text("gap_size")}`);
    if (isOn("barriers")) for (const { kind, crossable } of data.barriers)
      swatch(signs, `${text(kind)} (${text(crossable ? "crossable" : "uncrossable")})`, { className: `line${crossable ? " dashed" : ""}`, color: INK[kind] || "#777" });
    if (isOn("network") && data.network) swatch(signs, text("street"), { className: "line street" });
  }

  function pick(kind, id, options) {
    const { zoom = false, scroll = false } = options || {}, found = maps.select(kind, id, zoom);
    unmarkRows();
    picked = found && { kind, id, found };
    root.dataset.selected = found ? id : "";
    describe();
    if (!found) return;
    const places = new Set(found.after.map((i) => data.after.id[i])), parents = new Set(found.before.map((i) => data.before.id[i]));
    for (const row of document.querySelectorAll("tr[data-place]")) {
      const { kind: own, place } = row.dataset;
      const on = own === "community" ? places.has(place) : own === "parent" ? kind !== "unit" && parents.has(place) : own === kind && place === id;
      if (!on) continue;
      markRow(row);
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

  const maps = planMaps(data, { hover, pick });
  for (const [name, layer] of [["units", data.units.d], ["barriers", data.barriers], ["network", data.network], ["candidates", data.candidates.id], ["gaps", data.gaps.at]])
    document.querySelector(`[data-for="${name}"]`).hidden = !layer.length;
  mapControls(maps, (colouring = current) => { current = colouring; drawLegend(); });
  const speak = languages(() => { nameColourings(); drawLegend(); describe(); });
  document.getElementById("filter").addEventListener("input", (event) => filter(event.target.value));
  linkRows(({ dataset }) => pick(dataset.kind, dataset.place, { zoom: true, scroll: true }));
  sortTables((head) => head.cellIndex);
  speak(root.lang);
  followHash();
  window.addEventListener("hashchange", followHash);
  root.dataset.ready = "1";
})();
