// Maps of one city in several years that move and point together.

(() => {
  const { frame, circles, states, years, facilities } = data;
  const tip = document.getElementById("tip"), chosen = document.getElementById("selected");
  const legend = document.getElementById("legend");
  const shown = { names: true, facilities: true };
  let kept = -1, pointed = -1;
  const panes = [...document.querySelectorAll("svg.map")].map((svg) => ({ svg, year: years[svg.dataset.year], groups: {}, symbols: [], labels: [] }));
  const boxes = circles.d.map((d) => boxOf(ringsOf(d)));
  const inPercent = (share) => `${(100 * share).toLocaleString("en", { maximumFractionDigits: 1 })} %`;
  const nameOf = ({ year }) => year ? text("year").replace("{year}", year) : text("today");

  function build(pane) {
    for (const name of ["fills", "selected", "stations", "labels"]) pane.groups[name] = svgElement("g", { class: name }, pane.svg);
    circles.d.forEach((d, i) => svgElement("path", { d, fill: states[pane.year.state[i]].colour }, pane.groups.fills));
    pane.casing = svgElement("path", { class: "casing" }, pane.groups.selected);
    pane.line = svgElement("path", { class: "line" }, pane.groups.selected);
    facilities.year.forEach((year, i) => {
      if (year > pane.year.year) return;
      const kind = year && year === pane.year.year ? "opened" : "kept";
      const node = svgElement("path", { d: SYMBOLS[kind], class: kind, "data-site": i }, pane.groups.stations);
      pane.symbols.push({ node, at: facilities.at[i], size: kind === "opened" ? 1 : 0.6 });
    });
    addLabels(pane, circles.name, circles.at, boxes);
  }

  function scale(pane, k, [w, h], near) {
    pane.groups.fills.setAttribute("stroke-width", Math.min(2, 0.9 * near) * k);
    pane.casing.setAttribute("stroke-width", 6 * k); pane.line.setAttribute("stroke-width", 2.6 * k);
    drawSymbols(pane, k * Math.min(9, Math.max(2.4, 0.18 * Math.sqrt(w * h / Math.max(1, pane.symbols.length)) * near)));
  }

  function outline() {
    const circle = pointed >= 0 ? pointed : kept;
    for (const pane of panes) for (const line of [pane.casing, pane.line]) line.setAttribute("d", circles.d[circle] ?? "");
  }

  const shares = (circle) => panes.map(({ year }) => `${nameOf(year)}: ${inPercent(year.share[circle])}, ${states[year.state[circle]].name[root.lang]}`);

  // What is offered at a site in a year, and since when.
  function offered(site, pane) {
    facilities.id.forEach((id, i) => {
      if (id !== facilities.id[site] || facilities.year[i] > pane.year.year) return;
      add(tip, "div", `${facilities.name[i]} · ${facilities.category[i][root.lang]} · ${nameOf({ year: facilities.year[i] })}`);
    });
  }

  function showTip(circle, event, pane) {
    const site = event?.target.dataset.site;
    tip.hidden = !event || (circle < 0 && site === undefined);
    if (tip.hidden) return;
    tip.replaceChildren();
    if (site !== undefined) {
      add(tip, "b", facilities.id[site]);
      offered(site, pane);
    }
    if (circle >= 0) {
      add(tip, site === undefined ? "b" : "div", circles.name[circle]);
      add(tip, "div", `${circles.residents[circle].toLocaleString("en")} ${text("residents")}`);
      for (const line of shares(circle)) add(tip, "div", line);
    }
    placeTip(tip, event, { wide: 320, high: 40 + tip.offsetHeight, left: 4 });
  }

  function point(circle, event, pane) {
    showTip(circle, event, pane);
    if (circle === pointed) return;
    pointed = circle;
    outline();
  }

  function pick(circle) {
    kept = circle === kept ? -1 : circle;
    root.dataset.selected = circles.id[kept] ?? "";
    outline();
    describe();
  }

  function describe() {
    chosen.replaceChildren();
    if (kept < 0) return;
    add(chosen, "b", `${text("selected")}: ${circles.name[kept]}`);
    add(chosen, "span", shares(kept).join("; "));
  }

  function paint() {
    for (const { groups } of panes) {
      groups.labels.style.display = shown.names ? "" : "none";
      groups.stations.style.display = shown.facilities ? "" : "none";
    }
  }

  function drawLegend() {
    legend.replaceChildren();
    const row = add(legend, "div", undefined, "row");
    for (const { colour, name } of [...states].reverse()) swatch(row, name[root.lang], { background: colour });
    if (!shown.facilities) return;
    const signs = add(legend, "div", undefined, "row");
    swatch(signs, text("built"), { className: "sign opened" }, "▲");
    swatch(signs, text("there"), { className: "sign kept" }, "●");
  }

  panes.forEach(build);
  const maps = mapView({
    panes, frame, units: circles, sized: () => panes[0], watched: document.querySelector(".maps"),
    keys: { "+": 0.7, "=": 0.7, "-": 1.43 }, scale,
    point: (pane, event) => point(maps.unitAt(pane, event), event, pane),
    drag: () => showTip(-1),
    leave: () => point(-1),
    click: (pane, event) => pick(maps.unitAt(pane, event)),
    press(key) {
      if (key !== "Enter" && key !== " ") return false;
      pick(maps.unitInside());
      return true;
    },
  });
  maps.apply();
  document.querySelectorAll("[type=checkbox][data-layer]").forEach((box) => box.addEventListener("change", () => { shown[box.dataset.layer] = box.checked; paint(); drawLegend(); }));
  document.querySelectorAll("[data-zoom]").forEach((button) => button.addEventListener("click", () => maps.zoom(button.dataset.zoom)));
  const speak = languages(() => { drawLegend(); describe(); });
  speak(new URLSearchParams(location.hash.slice(1)).get("lang") || root.lang);
  root.dataset.ready = "1";
})();
