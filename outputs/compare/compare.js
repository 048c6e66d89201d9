// The page around the maps of a comparison: language, legend, what is pointed at, tables.

(() => {
  const { units, plans } = data;
  const tip = document.getElementById("tip"), chosen = document.getElementById("selected");
  const colour = document.getElementById("colour"), legend = document.getElementById("legend");
  const inNumbers = (value, digits) => value.toLocaleString("en", { maximumFractionDigits: digits || 0, minimumFractionDigits: digits || 0 });
  const moved = plans.map((plan) => new Set(plan.moved));
  let current = data.colourings[0], kept = null;

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
    placeTip(tip, event, { wide: 320, high: 60 + tip.offsetHeight, left: 4 });
  }

  function coloursRow(colouring, head) {
    const row = add(legend, "div", undefined, "row"), used = new Set();
    plans.forEach((plan, number) => { if (maps.keyOf(number) === colouring.key) plan.classes[colouring.key].forEach((c) => used.add(c)); });
    add(row, "b", head);
    swatches(row, colouring, used);
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

  function pick(kind, what, zoom, row) {
    unmarkRows();
    kept = kind === "unit" && what < 0 ? null : { kind, what };
    maps.select(kind, what, zoom);
    read(kind === "unit" ? what : -1);
    if (row) { markRow(row); document.getElementById("maps").scrollIntoView({ block: "start" }); }
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

  // Column of a head below merged heads: counted by where it stands, not by its index.
  function columnOf(head) {
    const table = head.closest("table"), box = head.getBoundingClientRect(), middle = (box.left + box.right) / 2;
    const cells = [...table.tBodies[0].rows].find((row) => !row.hidden)?.cells || [];
    return [...cells].findIndex((cell) => { const own = cell.getBoundingClientRect(); return own.left <= middle && middle <= own.right; });
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
  if (window.matchMedia("(max-width: 680px)").matches) document.querySelectorAll("[data-plan]").forEach((box) => { box.checked = Number(box.dataset.plan) < 2; });
  showPlans();
  maps = compareMaps(data, { tip: showTip, read, pick });
  const known = document.getElementById("known"), names = new Set(plans.flatMap((plan) => plan.place_name));
  for (const name of [...names].slice(0, 1000)) add(known, "option").value = name;
  mapControls(maps, (colouring = current) => { current = colouring; drawLegend(); });
  document.querySelectorAll("[data-plan]").forEach((box) => box.addEventListener("change", showPlans));
  const speak = languages(() => { nameColourings(); drawLegend(); describe(); });
  document.getElementById("find").addEventListener("submit", (event) => { event.preventDefault(); find(document.getElementById("sought").value); });
  linkRows(choose);
  sortTables(columnOf);
  const wanted = new URLSearchParams(location.hash.slice(1));
  if (wanted.get("colour")) { colour.value = wanted.get("colour"); current = maps.colour(colour.value); }
  speak(wanted.get("lang") || root.lang);
  root.dataset.ready = "1";
})();
