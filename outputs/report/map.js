// Two maps of one city, before and after, that select together.

const INK = { river: "#5b9bd0", railway: "#555", expressway: "#8a6d9c", arterial: "#8a6d9c" };

function planMaps(data, hooks) {
  const { frame, units } = data;
  const panes = {};
  const shown = { units: false, facilities: true, candidates: false, barriers: true, network: false, gaps: false };
  let colouring = data.colourings[0];
  const largest = Math.sqrt(quantile([...data.facilities.after, ...data.facilities.before], 0.95) || 1);
  const rowOf = { before: new Map(), after: new Map(), unit: new Map(), site: new Map() };
  for (const side of ["before", "after"]) data[side].id.forEach((id, i) => rowOf[side].set(id, i));
  units.id.forEach((id, i) => rowOf.unit.set(id, i));
  data.facilities.id.forEach((id, i) => rowOf.site.set(id, i));

  function quantile(values, share) {
    const sorted = values.filter((v) => v > 0).sort((a, b) => a - b);
    return sorted[Math.floor(share * (sorted.length - 1))];
  }

  function build(svg) {
    const side = svg.dataset.side, pane = panes[side] = { svg, side, groups: {}, symbols: [], labels: [] };
    for (const name of ["fills", "units", "network", "edges", "cuts", "barriers", "selected", "ways", "candidates", "facilities", "gaps", "labels"])
      pane.groups[name] = svgElement("g", { class: name }, svg);
    pane.fills = data[side].d.map((d, i) => svgElement("path", { d, "data-place": i }, pane.groups.fills));
    pane.boxes = data[side].d.map((d) => boxOf(ringsOf(d)));
    svgElement("path", { d: data[side].d.join("") }, pane.groups.edges);
    if (side === "after") svgElement("path", { d: data.cuts }, pane.groups.cuts);
    svgElement("path", { d: data.network }, pane.groups.network);
    for (const barrier of data.barriers)
      svgElement("path", { d: barrier.d, stroke: INK[barrier.kind] || "#777", class: barrier.crossable ? "crossable" : "" }, pane.groups.barriers);
    addSymbols(pane, "facilities"); addSymbols(pane, "candidates");
    if (side === "after") addGaps(pane);
    addLabels(pane, data[side].name, data[side].at, pane.boxes);
    pane.casing = svgElement("path", { class: "casing" }, pane.groups.selected);
    pane.line = svgElement("path", { class: "line" }, pane.groups.selected);
    pane.ways = svgElement("path", {}, pane.groups.ways);
  }

  function addSymbols(pane, layer) {
    const sites = data[layer], isBefore = pane.side === "before";
    sites.id.forEach((id, i) => {
      const existed = sites.before[i] > 0 || sites.status[i] === "existing";
      if (isBefore && !existed) return;
      const group = pane.groups[isBefore && existed ? "facilities" : layer];
      const kind = isBefore ? "kept" : sites.action[i];
      const area = isBefore ? sites.before[i] : sites.after[i];
      const node = svgElement("path", { d: SYMBOLS[kind] || SYMBOLS.kept, class: kind, "data-site": i, "data-layer": layer }, group);
      const size = kind === "closed" ? 0.45 : Math.min(1.6, Math.max(0.28, Math.sqrt(area || 0) / largest));
      pane.symbols.push({ node, size, at: sites.at[i] });
    });
  }

  function addGaps(pane) {
    const { at, people } = data.gaps, most = Math.sqrt(Math.max(1, ...people));
    at.forEach((point, i) => {
      const node = svgElement("path", { d: SYMBOLS.gap, "data-gap": i }, pane.groups.gaps);
      pane.symbols.push({ node, size: Math.max(0.6, 1.8 * Math.sqrt(people[i]) / most), at: point });
    });
  }

  function drawUnits() {
    const tiles = new Map(), tile = Math.max(frame.width, frame.height) / 8;
    units.d.forEach((d, i) => {
      const [x, y] = d.slice(1).split(/[^\d-]/, 2).map(Number);
      const key = `${Math.floor(x / tile)} ${Math.floor(y / tile)} ${units.class[i]}`;
      tiles.set(key, (tiles.get(key) || "") + d);
    });
    const colours = data.colourings.find((c) => c.key === "minutes").colours;
    for (const pane of Object.values(panes)) for (const [key, d] of tiles)
      svgElement("path", { d, "data-colour": colours[key.split(" ")[2]] }, pane.groups.units);
  }

  function paintUnits() {
    const outlines = !units.points && maps.unitSide / maps.view.k > 13, on = shown.units || outlines;
    if (on && !panes.after.groups.units.firstChild) drawUnits();
    for (const pane of Object.values(panes)) {
      const group = pane.groups.units, filled = shown.units && pane.side === "after";
      group.style.display = filled || outlines ? "" : "none";
      group.classList.toggle("points", units.points);
      for (const node of group.children) {
        const colour = node.dataset.colour;
        node.setAttribute("fill", filled && !units.points ? colour : "none");
        if (units.points) node.setAttribute("stroke", filled ? colour : "#777");
      }
    }
  }

  function paint() {
    for (const pane of Object.values(panes)) {
      const classes = colouring[pane.side];
      pane.fills.forEach((node, i) => node.setAttribute("fill", colouring.colours[classes[i]] || data.no_figure));
      for (const name in shown) if (name !== "units") pane.groups[name].style.display = shown[name] ? "" : "none";
    }
    paintUnits();
  }

  function scale(pane, k, [w, h], near) {
    const widths = { fills: 0, units: units.points ? 6 : 0.5, network: 0.8, edges: 0.9, cuts: Math.min(3, 1.5 * near), barriers: 2.4, ways: 0.8, selected: 1 };
    for (const name in widths) pane.groups[name].setAttribute("stroke-width", widths[name] * k);
    pane.casing.setAttribute("stroke-width", 6 * k); pane.line.setAttribute("stroke-width", 2.6 * k);
    for (const node of pane.groups.barriers.children) node.setAttribute("stroke-dasharray", node.classList.contains("crossable") ? `${6 * k} ${4 * k}` : "none");
    const room = 0.24 * Math.sqrt(w * h / Math.max(1, data.facilities.id.length)) * near;
    const radius = k * Math.min(11, Math.max(3.2, room));
    drawSymbols(pane, radius);
  }

  function clicked(pane, target) {
    if (target.dataset.gap && data.gaps.kind[target.dataset.gap] === "community") hooks.pick("community", data.gaps.id[target.dataset.gap]);
    else if (target.dataset.site && target.dataset.layer === "facilities") hooks.pick("site", data.facilities.id[target.dataset.site]);
    else if (target.dataset.place) hooks.pick(pane.side === "before" ? "parent" : "community", data[pane.side].id[target.dataset.place]);
  }

  function tipOf(pane, event) {
    const { site, layer, place, gap } = event.target.dataset;
    if (gap !== undefined) return { gap: Number(gap) };
    if (site !== undefined) return { site: Number(site), layer, side: pane.side };
    if (place === undefined) return null;
    const seen = panes.after.groups.units.firstChild && pane.groups.units.style.display !== "none";
    return { place: Number(place), side: pane.side, unit: seen ? maps.unitAt(pane, event) : -1 };
  }

  // What a choice covers: rows of the places on each side, a unit or a facility.
  function covered(kind, id) {
    const unit = kind === "unit" ? rowOf.unit.get(id) ?? -1 : -1, site = kind === "site" ? rowOf.site.get(id) ?? -1 : -1;
    if (site >= 0) return { before: [], after: [], unit, site };
    let row = unit >= 0 ? units.district[unit] : kind === "parent" ? undefined : rowOf.after.get(id);
    const after = row >= 0 ? [row] : data.after.parent.flatMap((parent, i) => (parent === id ? [i] : []));
    const parents = new Set(row >= 0 ? [data.after.parent[row]] : [id]);
    return { before: [...parents].flatMap((p) => rowOf.before.get(p) ?? []), after, unit, site };
  }

  function select(kind, id, zoom) {
    const found = covered(kind, id);
    const own = found.unit >= 0 ? units.d[found.unit] : "";
    for (const side of ["before", "after"]) {
      const d = found[side].map((i) => data[side].d[i]).join("") + own;
      panes[side].casing.setAttribute("d", d); panes[side].line.setAttribute("d", d); panes[side].ways.setAttribute("d", "");
    }
    if (found.site >= 0) ways(found.site);
    if (zoom) show(found);
    return found.before.length + found.after.length + (found.site >= 0 ? 1 : 0) ? found : null;
  }

  function ways(site) {
    const [x, y] = data.facilities.at[site], id = data.facilities.id[site];
    let d = "";
    units.site.forEach((other, i) => { if (other === id) { const [a, b] = maps.index().centre(i); d += `M${x} ${y}L${a} ${b}`; } });
    panes.after.ways.setAttribute("d", d);
  }

  function show(found) {
    const boxes = found.unit >= 0 ? [maps.index().box(found.unit)]
      : ["before", "after"].flatMap((side) => found[side].map((i) => panes[side].boxes[i]));
    if (found.site >= 0) { const [x, y] = data.facilities.at[found.site], r = 6 * maps.unitSide; boxes.push([x - r, y - r, x + r, y + r]); }
    if (!boxes.length) return;
    maps.fit(around(boxes), found.unit >= 0 ? 5 : 1.5);
  }

  document.querySelectorAll("svg.map").forEach(build);
  const maps = mapView({
    panes: Object.values(panes), frame, units, sized: () => panes.after, watched: panes.after.svg,
    keys: { "+": 0.7, "-": 1.43 }, scale, zoomed: paintUnits,
    point: (pane, event) => hooks.hover(tipOf(pane, event), event),
    drag: () => hooks.hover(null),
    leave: () => hooks.hover(null),
    click: (pane, event) => clicked(pane, event.target),
  });
  paint(); maps.apply();
  return {
    select,
    colour(key) { colouring = data.colourings.find((c) => c.key === key) || colouring; paint(); return colouring; },
    layer(name, on) { shown[name] = on; paint(); },
    zoom: maps.zoom,
  };
}
