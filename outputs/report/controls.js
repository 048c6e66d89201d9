// What surrounds maps on a page: their controls, the legend, the tooltip, and tables that choose and sort.

function swatch(parent, words, style, glyph) {
  const item = add(parent, "span", undefined, "item");
  for (const one of Array.isArray(style) ? style : [style]) {
    const mark = add(item, "i", glyph, one.className);
    if (one.background) mark.style.background = one.background;
    if (one.color) mark.style.borderTopColor = one.color;
  }
  add(item, "span", words);
  return item;
}

// The classes in use of a colouring; one label may stand for several colours.
function swatches(parent, { labels, colours }, used) {
  const lang = root.lang;
  labels.forEach((label, i) => {
    let last = i;
    while (last + 1 < labels.length && !labels[last + 1][lang]) last += 1;
    const own = Array.from({ length: last - i + 1 }, (_, j) => i + j);
    if (label[lang] && own.some((j) => used.has(j))) swatch(parent, label[lang], own.map((j) => ({ background: colours[j] })));
  });
}

// Puts the tooltip beside the pointer: on the other side where it has not this much room, in pixels.
function placeTip(tip, event, { wide, high, left = -Infinity }) {
  const right = event.clientX + wide > window.innerWidth, low = event.clientY + high > window.innerHeight;
  tip.style.left = `${Math.max(left, event.clientX + (right ? -tip.offsetWidth - 12 : 14))}px`;
  tip.style.top = `${event.clientY + (low ? -tip.offsetHeight - 12 : 14)}px`;
}

const boxOfLayer = (name) => document.querySelector(`[data-layer="${name}"][type=checkbox]`);
const isOn = (name) => boxOfLayer(name).checked;

// Connects colouring, layers and zoom with the maps; "changed" is told of another colouring.
function mapControls(maps, changed) {
  const choice = document.getElementById("colour");
  for (const { key } of data.colourings) add(choice, "option").value = key;
  choice.addEventListener("change", () => changed(maps.colour(choice.value)));
  document.querySelectorAll("[type=checkbox][data-layer]").forEach((box) => box.addEventListener("change", () => { maps.layer(box.dataset.layer, box.checked); changed(); }));
  document.querySelectorAll("[data-zoom]").forEach((button) => button.addEventListener("click", () => maps.zoom(button.dataset.zoom)));
}

function nameColourings() {
  [...document.getElementById("colour").options].forEach((option, i) => { option.textContent = data.colourings[i].name[root.lang]; });
}

function markRow(row) { row.classList.add("on"); row.setAttribute("aria-current", "true"); }

function unmarkRows() {
  document.querySelectorAll("tr.on").forEach((row) => { row.classList.remove("on"); row.removeAttribute("aria-current"); });
}

// Rows of linked tables are chosen by pointer and keyboard.
function linkRows(choose) {
  for (const { tBodies: [body] } of document.querySelectorAll("table.linked")) {
    body.addEventListener("click", (event) => choose(event.target.closest("tr")));
    body.addEventListener("keydown", (event) => {
      if (event.target.matches("tr") && (event.key === "Enter" || event.key === " ")) { event.preventDefault(); choose(event.target); }
    });
  }
}

function sortBy(head, column) {
  const table = head.closest("table"), body = table.tBodies[0];
  if (column < 0) return;
  const isNumeric = body.rows[0]?.cells[column].dataset.v !== undefined;
  const down = head.getAttribute("aria-sort") === (isNumeric ? "descending" : "ascending") ? !isNumeric : isNumeric;
  const key = (row) => { const cell = row.cells[column]; return isNumeric ? Number(cell.dataset.v) : cell.innerText.trim(); };
  const keyed = [...body.rows].map((row) => [key(row), row]);
  keyed.sort(([a], [b]) => (isNumeric ? a - b : a.localeCompare(b, root.lang)) * (down ? -1 : 1));
  body.append(...keyed.map(([, row]) => row));
  table.querySelectorAll("th[aria-sort]").forEach((other) => other.setAttribute("aria-sort", "none"));
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
}

function sortTables(columnOf) {
  document.querySelectorAll("th[aria-sort] button").forEach((button) => {
    const head = button.closest("th");
    button.addEventListener("click", () => sortBy(head, columnOf(head)));
  });
}
