"use strict";
// Two maps of one city, before and after, that pan, zoom and select together.

const SVG = "http://www.w3.org/2000/svg";
const INK = { river: "#5b9bd0", railway: "#555", expressway: "#8a6d9c", arterial: "#8a6d9c" };
const SYMBOLS = {
  kept: "M-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0z",
  extended: "M-.9-.9h1.8v1.8h-1.8z",
  opened: "M0-1.25L1.2.95H-1.2z",
  closed: "M-1 0h2M0-1v2",
};

function svgElement(name, attributes, parent) {
  const node = document.createElementNS(SVG, name);
  for (const key in attributes) node.setAttribute(key, attributes[key]);
  if (parent) parent.appendChild(node);
  return node;
}

// Rings of a path of relative moves, each a flat list x, y, x, y, ...
function ringsOf(path) {
  const rings = [];
  let x = 0, y = 0, ring = null;
  for (const [, move, rest] of path.matchAll(/([Mlhv])([-\d ]+)/g)) {
    const [a, b] = (rest.match(/-?\d+/g) || []).map(Number);
    if (move === "M") { x = a; y = b; rings.push(ring = []); }
    else if (move === "h") x += a;
    else if (move === "v") y += a;
    else { x += a; y += b; }
    ring.push(x, y);
  }
  return rings;
}

function boxOf(rings) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const ring of rings) for (let i = 0; i < ring.length; i += 2) {
    box[0] = Math.min(box[0], ring[i]); box[2] = Math.max(box[2], ring[i]);
    box[1] = Math.min(box[1], ring[i + 1]); box[3] = Math.max(box[3], ring[i + 1]);
  }
  return box;
}

function isInside(rings, x, y) {
  let inside = false;
  for (const r of rings) for (let i = 0, j = r.length - 2; i < r.length; j = i, i += 2) {
    if (r[i + 1] > y !== r[j + 1] > y
      && x < (r[j] - r[i]) * (y - r[i + 1]) / (r[j + 1] - r[i + 1]) + r[i]) inside = !inside;
  }
  return inside;
}

// Finds the unit at a point; built when first asked.
function unitIndex(units, frame) {
  const side = Math.max(1, Math.ceil(Math.sqrt(units.d.length)));
  const cell = Math.max(frame.width, frame.height, 1) / side, cells = new Map();
  const shapes = units.d.map((d) => { const rings = ringsOf(d); return { rings, box: boxOf(rings) }; });
  shapes.forEach(({ box }, i) => {
    for (let a = Math.floor(box[0] / cell); a <= box[2] / cell; a++)
      for (let b = Math.floor(box[1] / cell); b <= box[3] / cell; b++) {
        const key = a * 100003 + b;
        if (!cells.has(key)) cells.set(key, []);
        cells.get(key).push(i);
      }
  });
  const near = (x, y) => cells.get(Math.floor(x / cell) * 100003 + Math.floor(y / cell)) || [];
  const centre = (i) => [(shapes[i].box[0] + shapes[i].box[2]) / 2, (shapes[i].box[1] + shapes[i].box[3]) / 2];
  const find = (x, y, reach) => units.points
    ? near(x, y).find((i) => Math.hypot(centre(i)[0] - x, centre(i)[1] - y) < reach) ?? -1
    : near(x, y).find((i) => isInside(shapes[i].rings, x, y)) ?? -1;
  return { find, centre, box: (i) => shapes[i].box };
}

function planMaps(data, hooks) {
  const { frame, units } = data;
  const panes = {}, view = { x: frame.width / 2, y: frame.height / 2, k: 0 };
  const shown = { units: false, facilities: true, candidates: false, barriers: true, network: false };
  let whole = 1, colouring = data.colourings[0], queued = false, lastK = 0, index = null;
  const unitSide = 0.7 * Math.sqrt(frame.width * frame.height / Math.max(1, units.d.length));
  const largest = Math.sqrt(quantile([...data.facilities.after, ...data.facilities.before], 0.95) || 1);
  const indexOf = () => (index ??= unitIndex(units, frame));
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
    for (const name of ["fills", "units", "network", "edges", "cuts", "barriers", "selected", "ways", "candidates", "facilities", "labels"])
      pane.groups[name] = svgElement("g", { class: name }, svg);
    pane.fills = data[side].d.map((d, i) => svgElement("path", { d, "data-place": i }, pane.groups.fills));
    pane.boxes = data[side].d.map((d) => boxOf(ringsOf(d)));
    svgElement("path", { d: data[side].d.join("") }, pane.groups.edges);
    if (side === "after") svgElement("path", { d: data.cuts }, pane.groups.cuts);
    svgElement("path", { d: data.network }, pane.groups.network);
    for (const barrier of data.barriers)
      svgElement("path", { d: barrier.d, stroke: INK[barrier.kind] || "#777", class: barrier.crossable ? "crossable" : "" }, pane.groups.barriers);
    addSymbols(pane, "facilities"); addSymbols(pane, "candidates");
    data[side].name.forEach((name, i) => {
      const node = svgElement("text", {}, pane.groups.labels);
      node.textContent = name;
      const width = [...name].reduce((sum, c) => sum + (c.charCodeAt(0) > 0x2e80 ? 12 : 6.6), 6);
      pane.labels.push({ node, width, at: data[side].at[i], box: pane.boxes[i] });
    });
    const area = ({ box }) => (box[2] - box[0]) * (box[3] - box[1]);
    pane.labels.sort((a, b) => area(b) - area(a));
    pane.casing = svgElement("path", { class: "casing" }, pane.groups.selected);
    pane.line = svgElement("path", { class: "line" }, pane.groups.selected);
    pane.ways = svgElement("path", {}, pane.groups.ways);
    listen(pane);
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
    const outlines = !units.points && unitSide / view.k > 13, on = shown.units || outlines;
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

  function sizeOf(pane) {
    const { width, height } = pane.svg.getBoundingClientRect();
    return [width || 600, height || 600];
  }

  function apply() {
    queued = false;
    for (const pane of Object.values(panes)) {
      const [w, h] = sizeOf(pane), { x, y, k } = view;
      pane.svg.setAttribute("viewBox", `${x - w * k / 2} ${y - h * k / 2} ${w * k} ${h * k}`);
      if (k !== lastK) scale(pane, k);
    }
    if (view.k !== lastK) paintUnits();
    lastK = view.k;
  }

  function scale(pane, k) {
    const [w, h] = sizeOf(pane), near = Math.min(2.4, Math.max(1, (whole / k) ** 0.4));
    const widths = { fills: 0, units: units.points ? 6 : 0.5, network: 0.8, edges: 0.9, cuts: Math.min(3, 1.5 * near), barriers: 2.4, ways: 0.8, selected: 1 };
    for (const name in widths) pane.groups[name].setAttribute("stroke-width", widths[name] * k);
    pane.casing.setAttribute("stroke-width", 6 * k); pane.line.setAttribute("stroke-width", 2.6 * k);
    for (const node of pane.groups.barriers.children) node.setAttribute("stroke-dasharray", node.classList.contains("crossable") ? `${6 * k} ${4 * k}` : "none");
    const room = 0.24 * Math.sqrt(w * h / Math.max(1, data.facilities.id.length)) * near;
    const radius = k * Math.min(11, Math.max(3.2, room));
    for (const { node, size, at } of pane.symbols)
      node.setAttribute("transform", `translate(${at[0]} ${at[1]}) scale(${(radius * size).toPrecision(4)})`);
    drawLabels(pane, k);
    drawScale(pane, k * frame.metres);
  }

  // A name is shown where its place has room for it and no larger place has taken the room.
  function drawLabels(pane, k) {
    const taken = [];
    for (const { node, width, at: [x, y], box } of pane.labels) {
      const half = width * k / 2, free = box[2] - box[0] > width * k * 1.05 && box[3] - box[1] > 16 * k
        && !taken.some(([a, b, other]) => Math.abs(a - x) < half + other && Math.abs(b - y) < 14 * k);
      node.style.display = free ? "" : "none";
      if (!free) continue;
      taken.push([x, y, half]);
      node.setAttribute("transform", `translate(${x} ${y}) scale(${k})`);
    }
  }

  function drawScale(pane, metresPerPixel) {
    const most = 110 * metresPerPixel, ten = 10 ** Math.floor(Math.log10(most));
    const metres = ten * (most / ten >= 5 ? 5 : most / ten >= 2 ? 2 : 1);
    const bar = pane.svg.parentNode.querySelector(".scale");
    bar.firstElementChild.style.width = `${metres / metresPerPixel}px`;
    bar.lastElementChild.textContent = metres >= 1000 ? `${metres / 1000} km` : `${metres} m`;
  }

  function redraw() { if (!queued) { queued = true; requestAnimationFrame(apply); } }

  function fit(box, margin) {
    const [w, h] = sizeOf(panes.after);
    view.k = Math.max((box[2] - box[0]) / w, (box[3] - box[1]) / h, 12 * unitSide / Math.min(w, h) / 4, 1e-6) * margin;
    view.x = (box[0] + box[2]) / 2; view.y = (box[1] + box[3]) / 2;
    redraw();
  }

  function fitAll() { fit([0, 0, frame.width, frame.height], 1.05); whole = view.k; }

  function zoomAt(factor, [x, y]) {
    const k = Math.min(whole * 1.5, Math.max(whole / 400, view.k * factor)), share = k / view.k;
    view.x = x + (view.x - x) * share; view.y = y + (view.y - y) * share; view.k = k;
    redraw();
  }

  function at(pane, event) {
    const box = pane.svg.getBoundingClientRect();
    return [view.x + (event.clientX - box.left - box.width / 2) * view.k,
      view.y + (event.clientY - box.top - box.height / 2) * view.k];
  }

  function listen(pane) {
    const { svg } = pane, fingers = new Map();
    let moved = 0, spread = 0;
    svg.addEventListener("wheel", (event) => {
      event.preventDefault();
      zoomAt(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) / 220), at(pane, event));
    }, { passive: false });
    svg.addEventListener("pointerdown", (event) => {
      fingers.set(event.pointerId, event); spread = 0;
      if (fingers.size === 1) moved = 0;
    });
    svg.addEventListener("pointermove", (event) => {
      const last = fingers.get(event.pointerId);
      if (!last) { hooks.hover(tipOf(pane, event), event); return; }
      fingers.set(event.pointerId, event);
      const dx = event.clientX - last.clientX, dy = event.clientY - last.clientY;
      moved += Math.abs(dx) + Math.abs(dy);
      if (moved < 5) return;
      svg.setPointerCapture(event.pointerId);
      hooks.hover(null);
      view.x -= dx * view.k / fingers.size; view.y -= dy * view.k / fingers.size;
      if (fingers.size === 2) {
        const [a, b] = [...fingers.values()], wide = Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
        if (spread) zoomAt(spread / wide, at(pane, { clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 }));
        spread = wide;
      }
      redraw();
    });
    for (const end of ["pointerup", "pointercancel", "pointerleave"])
      svg.addEventListener(end, (event) => { fingers.delete(event.pointerId); spread = 0; if (end === "pointerleave") hooks.hover(null); });
    svg.addEventListener("click", (event) => { if (moved < 5) clicked(pane, event.target); moved = 0; });
    svg.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (step) { view.x += 60 * step[0] * view.k; view.y += 60 * step[1] * view.k; redraw(); }
      else if (event.key === "+" || event.key === "-") zoomAt(event.key === "+" ? 0.7 : 1.43, [view.x, view.y]);
      else return;
      event.preventDefault();
    });
  }

  function clicked(pane, target) {
    if (target.dataset.site && target.dataset.layer === "facilities") hooks.pick("site", data.facilities.id[target.dataset.site]);
    else if (target.dataset.place) hooks.pick(pane.side === "before" ? "parent" : "community", data[pane.side].id[target.dataset.place]);
  }

  function tipOf(pane, event) {
    const { site, layer, place } = event.target.dataset;
    if (site !== undefined) return { site: Number(site), layer, side: pane.side };
    if (place === undefined) return null;
    const seen = panes.after.groups.units.firstChild && pane.groups.units.style.display !== "none";
    return { place: Number(place), side: pane.side, unit: seen ? indexOf().find(...at(pane, event), 6 * view.k) : -1 };
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
    units.site.forEach((other, i) => { if (other === id) { const [a, b] = indexOf().centre(i); d += `M${x} ${y}L${a} ${b}`; } });
    panes.after.ways.setAttribute("d", d);
  }

  function show(found) {
    const boxes = found.unit >= 0 ? [indexOf().box(found.unit)]
      : ["before", "after"].flatMap((side) => found[side].map((i) => panes[side].boxes[i]));
    if (found.site >= 0) { const [x, y] = data.facilities.at[found.site], r = 6 * unitSide; boxes.push([x - r, y - r, x + r, y + r]); }
    if (!boxes.length) return;
    fit([0, 1].map((a) => Math.min(...boxes.map((b) => b[a]))).concat([2, 3].map((a) => Math.max(...boxes.map((b) => b[a])))), found.unit >= 0 ? 5 : 1.5);
  }

  document.querySelectorAll("svg.map").forEach(build);
  const shape = Math.min(1.45, Math.max(0.8, frame.width / Math.max(1, frame.height)));
  document.querySelectorAll(".pane").forEach((pane) => { pane.style.aspectRatio = shape; });
  fitAll(); paint(); apply();
  new ResizeObserver(() => { lastK = 0; redraw(); }).observe(panes.after.svg);
  return {
    select,
    colour(key) { colouring = data.colourings.find((c) => c.key === key) || colouring; paint(); return colouring; },
    layer(name, on) { shown[name] = on; paint(); },
    zoom(action) { if (action === "all") fitAll(); else zoomAt(action === "in" ? 0.6 : 1 / 0.6, [view.x, view.y]); },
  };
}
