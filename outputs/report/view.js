// Maps of one city that pan and zoom together, and what they find under a pointer.

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

// The smallest box that holds all of these.
function around(boxes) {
  return [0, 1].map((a) => Math.min(...boxes.map((b) => b[a]))).concat([2, 3].map((a) => Math.max(...boxes.map((b) => b[a]))));
}

// Names of places, the largest first, for each to take its room before smaller ones.
function addLabels(pane, names, at, boxes) {
  names.forEach((name, i) => {
    const node = svgElement("text", {}, pane.groups.labels);
    node.textContent = name;
    const width = [...name].reduce((sum, c) => sum + (c.charCodeAt(0) > 0x2e80 ? 12 : 6.6), 6);
    pane.labels.push({ node, width, at: at[i], box: boxes[i] });
  });
  const area = ({ box }) => (box[2] - box[0]) * (box[3] - box[1]);
  pane.labels.sort((a, b) => area(b) - area(a));
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

function drawSymbols(pane, radius) {
  for (const { node, size, at } of pane.symbols)
    node.setAttribute("transform", `translate(${at[0]} ${at[1]}) scale(${(radius * size).toPrecision(4)})`);
}

function drawScale(pane, metresPerPixel) {
  const most = 110 * metresPerPixel, ten = 10 ** Math.floor(Math.log10(most));
  const metres = ten * (most / ten >= 5 ? 5 : most / ten >= 2 ? 2 : 1);
  const bar = pane.svg.parentNode.querySelector(".scale");
  bar.firstElementChild.style.width = `${metres / metresPerPixel}px`;
  bar.lastElementChild.textContent = metres >= 1000 ? `${metres / 1000} km` : `${metres} m`;
}

// One view of several panes. Besides panes, frame and units, a page gives
//   visible()  the panes to draw; sized()  the pane whose size the view fits
//   watched    the element whose size is followed
//   keys       by how much a key zooms
//   scale(pane, k, size, near)  draws a pane at k steps a pixel; zoomed()  ends each change of k
//   point(pane, event), drag(), leave(), click(pane, event), press(key)  what the pointer or a key does;
//   press returns whether it knew the key.
function mapView({ panes, frame, units, visible = () => panes, sized, watched, keys, scale, zoomed = () => {},
  point, drag, leave, click, press = () => false }) {
  const view = { x: frame.width / 2, y: frame.height / 2, k: 0 };
  const unitSide = 0.7 * Math.sqrt(frame.width * frame.height / Math.max(1, units.d.length));
  let whole = 1, queued = false, lastK = 0, index = null;
  const indexOf = () => (index ??= unitIndex(units, frame));

  function sizeOf(pane) {
    const { width, height } = pane.svg.getBoundingClientRect();
    return [width || 600, height || 600];
  }

  function apply() {
    queued = false;
    for (const pane of visible()) {
      const [w, h] = sizeOf(pane), { x, y, k } = view;
      pane.svg.setAttribute("viewBox", `${x - w * k / 2} ${y - h * k / 2} ${w * k} ${h * k}`);
      if (k === lastK) continue;
      scale(pane, k, [w, h], Math.min(2.4, Math.max(1, (whole / k) ** 0.4)));
      drawLabels(pane, k);
      drawScale(pane, k * frame.metres);
    }
    if (view.k !== lastK) zoomed();
    lastK = view.k;
  }

  function redraw() { if (!queued) { queued = true; requestAnimationFrame(apply); } }

  function resize() { lastK = 0; redraw(); }

  function fit(box, margin) {
    const [w, h] = sizeOf(sized());
    view.k = Math.max((box[2] - box[0]) / w, (box[3] - box[1]) / h, 3 * unitSide / Math.min(w, h), 1e-6) * margin;
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
      if (!last) { point(pane, event); return; }
      fingers.set(event.pointerId, event);
      const dx = event.clientX - last.clientX, dy = event.clientY - last.clientY;
      moved += Math.abs(dx) + Math.abs(dy);
      if (moved < 5) return;
      svg.setPointerCapture(event.pointerId);
      drag();
      view.x -= dx * view.k / fingers.size; view.y -= dy * view.k / fingers.size;
      if (fingers.size === 2) {
        const [a, b] = [...fingers.values()], wide = Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
        if (spread) zoomAt(spread / wide, at(pane, { clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 }));
        spread = wide;
      }
      redraw();
    });
    for (const end of ["pointerup", "pointercancel", "pointerleave"])
      svg.addEventListener(end, (event) => { fingers.delete(event.pointerId); spread = 0; if (end === "pointerleave") leave(); });
    svg.addEventListener("click", (event) => { if (moved < 5) click(pane, event); moved = 0; });
    svg.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (step) { view.x += 60 * step[0] * view.k; view.y += 60 * step[1] * view.k; redraw(); }
      else if (keys[event.key]) zoomAt(keys[event.key], [view.x, view.y]);
      else if (!press(event.key)) return;
      event.preventDefault();
    });
  }

  panes.forEach(listen);
  const shape = Math.min(1.45, Math.max(0.8, frame.width / Math.max(1, frame.height)));
  document.querySelectorAll(".pane").forEach((pane) => { pane.style.aspectRatio = shape; });
  fitAll();
  new ResizeObserver(resize).observe(watched);
  return {
    view, unitSide, index: indexOf, apply, fit, resize,
    unitAt: (pane, event) => indexOf().find(...at(pane, event), 6 * view.k),
    unitInside: () => indexOf().find(view.x, view.y, 6 * view.k),
    zoom(action) { if (action === "all") fitAll(); else zoomAt(action === "in" ? 0.6 : 1 / 0.6, [view.x, view.y]); },
  };
}
