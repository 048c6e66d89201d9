// Maps of several plans of one city that colour and point together.

function compareMaps(data, hooks) {
  const { frame, units, plans } = data;
  const panes = [...document.querySelectorAll("svg.map")].map((svg) => ({ svg, plan: plans[svg.dataset.side], groups: {}, symbols: [], labels: [] }));
  const shown = { moved: true, stations: true, names: true };
  let colouring = data.colourings[0], pinned = -1, pointed = -1, site = null;
  const visible = () => panes.filter((pane) => !pane.svg.closest("figure").hidden);

  function build(pane, number) {
    for (const name of ["cells", "moved", "edges", "under", "stations", "labels"])
      pane.groups[name] = svgElement("g", { class: name }, pane.svg);
    const hatch = svgElement("pattern", { id: `hatch-${number}`, width: 6, height: 6, patternUnits: "userSpaceOnUse" }, svgElement("defs", {}, pane.svg));
    svgElement("path", { d: "M0 6L6 0", stroke: "#8a1c5b", "stroke-width": 1.3, fill: "none" }, hatch);
    pane.hatch = hatch;
    pane.edges = svgElement("path", { d: pane.plan.edges }, pane.groups.edges);
    pane.moved = svgElement("path", { d: pane.plan.moved.map((i) => units.d[i]).join(""), fill: `url(#hatch-${number})` }, pane.groups.moved);
    pane.casing = svgElement("path", { class: "casing" }, pane.groups.under);
    pane.under = svgElement("path", {}, pane.groups.under);
    const { sites, place_name: names, at, box } = pane.plan;
    sites.id.forEach((id, i) => {
      const node = svgElement("path", { d: SYMBOLS[sites.action[i]] || SYMBOLS.kept, class: `${sites.action[i]}${sites.unlike[i] ? "" : " alike"}` }, pane.groups.stations);
      pane.symbols.push({ node, id, at: sites.at[i], size: sites.unlike[i] ? 1.15 : sites.action[i] === "kept" ? 0.45 : 0.6 });
    });
    addLabels(pane, names, at, box);
  }

  function keyOf(pane) {
    return colouring.key === "change" && pane.plan === plans[0] ? "minutes" : colouring.key;
  }

  // One path a colour: thousands of units cost no more than a few.
  function paint() {
    for (const pane of panes) {
      const key = keyOf(pane), { colours } = data.colourings.find((c) => c.key === key);
      const paths = colours.map(() => []);
      pane.plan.classes[key].forEach((c, i) => paths[c].push(units.d[i]));
      pane.groups.cells.replaceChildren();
      paths.forEach((own, c) => { if (own.length) svgElement("path", { d: own.join(""), [units.points ? "stroke" : "fill"]: colours[c] }, pane.groups.cells); });
      for (const name of ["moved", "stations"]) pane.groups[name].style.display = shown[name] ? "" : "none";
      pane.groups.labels.style.display = shown.names ? "" : "none";
    }
  }

  function scale(pane, k, [w, h], near) {
    pane.groups.cells.setAttribute("stroke-width", (units.points ? 6 : maps.unitSide / k > 9 ? 0.7 : 0) * k);
    pane.edges.setAttribute("stroke-width", Math.min(2, 0.9 * near) * k);
    pane.moved.setAttribute("stroke-width", 0.5 * k);
    pane.hatch.setAttribute("patternTransform", `scale(${k})`);
    pane.casing.setAttribute("stroke-width", 6 * k); pane.under.setAttribute("stroke-width", 2.6 * k);
    const radius = k * Math.min(10, Math.max(2.4, 0.18 * Math.sqrt(w * h / Math.max(1, pane.symbols.length)) * near));
    drawSymbols(pane, radius);
  }

  function point(unit, event) {
    hooks.tip(unit, event);
    if (unit === pointed) return;
    pointed = unit;
    outline();
    hooks.read(unit >= 0 ? unit : pinned);
  }

  // What is pointed at, or else what was kept, on every map.
  function outline() {
    const unit = pointed >= 0 ? pointed : pinned;
    for (const pane of panes) {
      const d = unit >= 0 ? units.d[unit] : pane.place || "";
      pane.casing.setAttribute("d", d); pane.under.setAttribute("d", d);
      for (const { node, id } of pane.symbols) node.classList.toggle("here", id === site);
    }
  }

  // Keeps a unit, the units of a community of today, or a station, and moves there.
  function select(kind, what, zoom) {
    pinned = kind === "unit" ? what : -1;
    site = kind === "site" ? what : null;
    const rows = kind === "unit" ? (what >= 0 ? [what] : []) : kind === "community" ? units.before.flatMap((b, i) => (b === what ? [i] : [])) : [];
    for (const pane of panes) pane.place = kind === "community" ? rows.map((i) => units.d[i]).join("") : "";
    outline();
    if (!zoom) return;
    const spot = panes.flatMap((pane) => pane.symbols).find(({ id }) => id === site);
    if (spot) { const [x, y] = spot.at, r = 8 * maps.unitSide; maps.fit([x - r, y - r, x + r, y + r], 1); }
    else if (rows.length) maps.fit(around(rows.map((i) => maps.index().box(i))), kind === "unit" ? 6 : 1.4);
  }

  panes.forEach(build);
  const maps = mapView({
    panes, frame, units, visible, sized: () => visible()[0], watched: document.querySelector(".maps"),
    keys: { "+": 0.7, "=": 0.7, "-": 1.43 }, scale,
    point: (pane, event) => point(maps.unitAt(pane, event), event),
    drag: () => hooks.tip(-1),
    leave: () => point(-1),
    click: (pane, event) => hooks.pick("unit", maps.unitAt(pane, event)),
    press(key) {
      if (key !== "Enter" && key !== " ") return false;
      hooks.pick("unit", maps.unitInside());
      return true;
    },
  });
  paint(); maps.apply();
  return {
    select,
    keyOf: (number) => keyOf(panes[number]),
    colour(key) { colouring = data.colourings.find((c) => c.key === key) || colouring; paint(); return colouring; },
    layer(name, on) { shown[name] = on; paint(); },
    resize: maps.resize,
    zoom: maps.zoom,
  };
}
