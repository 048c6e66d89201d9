// Maps of several plans of one city that pan, zoom, colour and point together.

function compareMaps(data, hooks) {
  const { frame, units, plans } = data;
  const panes = [...document.querySelectorAll("svg.map")].map((svg) => ({ svg, plan: plans[svg.dataset.side], groups: {}, symbols: [], labels: [] }));
  const view = { x: frame.width / 2, y: frame.height / 2, k: 0 };
  const shown = { moved: true, stations: true, names: true };
  const side = 0.7 * Math.sqrt(frame.width * frame.height / Math.max(1, units.d.length));
  let whole = 1, colouring = data.colourings[0], queued = false, lastK = 0, index = null, pinned = -1, pointed = -1, site = null;
  const indexOf = () => (index ??= unitIndex(units, frame));
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
    names.forEach((name, i) => {
      const node = svgElement("text", {}, pane.groups.labels);
      node.textContent = name;
      const width = [...name].reduce((sum, c) => sum + (c.charCodeAt(0) > 0x2e80 ? 12 : 6.6), 6);
      pane.labels.push({ node, width, at: at[i], box: box[i] });
    });
    const area = ({ box: b }) => (b[2] - b[0]) * (b[3] - b[1]);
    pane.labels.sort((a, b) => area(b) - area(a));
    listen(pane);
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

  function sizeOf(pane) {
    const { width, height } = pane.svg.getBoundingClientRect();
    return [width || 600, height || 600];
  }

  function apply() {
    queued = false;
    for (const pane of visible()) {
      const [w, h] = sizeOf(pane), { x, y, k } = view;
      pane.svg.setAttribute("viewBox", `${x - w * k / 2} ${y - h * k / 2} ${w * k} ${h * k}`);
      if (k !== lastK) scale(pane, k);
    }
    lastK = view.k;
  }

  function scale(pane, k) {
    const [w, h] = sizeOf(pane), near = Math.min(2.4, Math.max(1, (whole / k) ** 0.4));
    pane.groups.cells.setAttribute("stroke-width", (units.points ? 6 : side / k > 9 ? 0.7 : 0) * k);
    pane.edges.setAttribute("stroke-width", Math.min(2, 0.9 * near) * k);
    pane.moved.setAttribute("stroke-width", 0.5 * k);
    pane.hatch.setAttribute("patternTransform", `scale(${k})`);
    pane.casing.setAttribute("stroke-width", 6 * k); pane.under.setAttribute("stroke-width", 2.6 * k);
    const radius = k * Math.min(10, Math.max(2.4, 0.18 * Math.sqrt(w * h / Math.max(1, pane.symbols.length)) * near));
    for (const { node, at, size } of pane.symbols)
      node.setAttribute("transform", `translate(${at[0]} ${at[1]}) scale(${(radius * size).toPrecision(4)})`);
    const taken = [];
    for (const { node, width, at: [x, y], box } of pane.labels) {
      const half = width * k / 2, free = box[2] - box[0] > width * k * 1.05 && box[3] - box[1] > 16 * k
        && !taken.some(([a, b, other]) => Math.abs(a - x) < half + other && Math.abs(b - y) < 14 * k);
      node.style.display = free ? "" : "none";
      if (!free) continue;
      taken.push([x, y, half]);
      node.setAttribute("transform", `translate(${x} ${y}) scale(${k})`);
    }
    const metres = k * frame.metres, most = 110 * metres, ten = 10 ** Math.floor(Math.log10(most));
    const length = ten * (most / ten >= 5 ? 5 : most / ten >= 2 ? 2 : 1), bar = pane.svg.parentNode.querySelector(".scale");
    bar.firstElementChild.style.width = `${length / metres}px`;
    bar.lastElementChild.textContent = length >= 1000 ? `${length / 1000} km` : `${length} m`;
  }

  function redraw() { if (!queued) { queued = true; requestAnimationFrame(apply); } }

  function fit(box, margin) {
    const [w, h] = sizeOf(visible()[0]);
    view.k = Math.max((box[2] - box[0]) / w, (box[3] - box[1]) / h, 3 * side / Math.min(w, h), 1e-6) * margin;
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
    return [view.x + (event.clientX - box.left - box.width / 2) * view.k, view.y + (event.clientY - box.top - box.height / 2) * view.k];
  }

  function listen(pane) {
    const { svg } = pane, fingers = new Map();
    let moved = 0, spread = 0;
    svg.addEventListener("wheel", (event) => {
      event.preventDefault();
      zoomAt(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) / 220), at(pane, event));
    }, { passive: false });
    svg.addEventListener("pointerdown", (event) => { fingers.set(event.pointerId, event); spread = 0; if (fingers.size === 1) moved = 0; });
    svg.addEventListener("pointermove", (event) => {
      const last = fingers.get(event.pointerId);
      if (!last) { point(indexOf().find(...at(pane, event), 6 * view.k), event); return; }
      fingers.set(event.pointerId, event);
      const dx = event.clientX - last.clientX, dy = event.clientY - last.clientY;
      moved += Math.abs(dx) + Math.abs(dy);
      if (moved < 5) return;
      svg.setPointerCapture(event.pointerId);
      hooks.tip(-1);
      view.x -= dx * view.k / fingers.size; view.y -= dy * view.k / fingers.size;
      if (fingers.size === 2) {
        const [a, b] = [...fingers.values()], wide = Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
        if (spread) zoomAt(spread / wide, at(pane, { clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 }));
        spread = wide;
      }
      redraw();
    });
    for (const end of ["pointerup", "pointercancel", "pointerleave"])
      svg.addEventListener(end, (event) => { fingers.delete(event.pointerId); spread = 0; if (end === "pointerleave") point(-1); });
    svg.addEventListener("click", (event) => { if (moved < 5) hooks.pick("unit", indexOf().find(...at(pane, event), 6 * view.k)); moved = 0; });
    svg.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (step) { view.x += 60 * step[0] * view.k; view.y += 60 * step[1] * view.k; redraw(); }
      else if (event.key === "+" || event.key === "=" || event.key === "-") zoomAt(event.key === "-" ? 1.43 : 0.7, [view.x, view.y]);
      else if (event.key === "Enter" || event.key === " ") hooks.pick("unit", indexOf().find(view.x, view.y, 6 * view.k));
      else return;
      event.preventDefault();
    });
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

  function boxOfUnits(rows) {
    const boxes = rows.map((i) => indexOf().box(i));
    return [0, 1].map((a) => Math.min(...boxes.map((b) => b[a]))).concat([2, 3].map((a) => Math.max(...boxes.map((b) => b[a]))));
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
    if (spot) { const [x, y] = spot.at, r = 8 * side; fit([x - r, y - r, x + r, y + r], 1); }
    else if (rows.length) fit(boxOfUnits(rows), kind === "unit" ? 6 : 1.4);
  }

  function resize() {
    lastK = 0;
    redraw();
  }

  panes.forEach(build);
  const shape = Math.min(1.45, Math.max(0.8, frame.width / Math.max(1, frame.height)));
  document.querySelectorAll(".pane").forEach((pane) => { pane.style.aspectRatio = shape; });
  fitAll(); paint(); apply();
  new ResizeObserver(resize).observe(document.querySelector(".maps"));
  return {
    select,
    keyOf: (number) => keyOf(panes[number]),
    colour(key) { colouring = data.colourings.find((c) => c.key === key) || colouring; paint(); return colouring; },
    layer(name, on) { shown[name] = on; paint(); },
    resize,
    zoom(action) { if (action === "all") fitAll(); else zoomAt(action === "in" ? 0.6 : 1 / 0.6, [view.x, view.y]); },
  };
}
