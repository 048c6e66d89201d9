"use strict";
// The slider, the curve, the table and the map of a trade-off curve show the same point.

window.__errors = 0;
window.addEventListener("error", () => { window.__errors += 1; });

(() => {
  const root = document.documentElement, data = JSON.parse(document.getElementById("data").textContent);
  const SVG = "http://www.w3.org/2000/svg", slider = document.getElementById("slider");
  const SHAPES = { kept: "M-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0z", extended: "M-.9-.9h1.8v1.8h-1.8z", opened: "M0-1.25L1.2.95H-1.2z" };
  const radius = Math.max(data.frame.width, data.frame.height) / 165;

  function draw(point) {
    const group = document.getElementById("sites"), before = new Set(point ? data.open[point - 1] : data.open[point]);
    group.replaceChildren();
    data.open[point].forEach((site, i) => {
      const [x, y] = data.at[site], action = data.actions[data.action[point][i]], node = document.createElementNS(SVG, "path");
      node.setAttribute("d", SHAPES[action]);
      node.setAttribute("class", action + (before.has(site) ? "" : " new"));
      node.setAttribute("transform", `translate(${x} ${y}) scale(${(action === "kept" ? 0.6 : 1) * radius})`);
      group.appendChild(node);
    });
  }

  function show(point) {
    slider.value = point;
    document.getElementById("now").textContent = `${data.texts[root.lang].js_point} ${point + 1}: ${data.labels[root.lang][point]}`;
    document.querySelectorAll(".point").forEach((node) => node.classList.toggle("on", Number(node.dataset.point) === point));
    document.querySelectorAll("tr[data-point]").forEach((row) => row.classList.toggle("on", Number(row.dataset.point) === point));
    root.dataset.point = point;
    draw(point);
  }

  function speak(lang) {
    root.lang = data.titles[lang] ? lang : "en";
    document.title = data.titles[root.lang];
    show(Number(slider.value));
  }

  slider.addEventListener("input", () => show(Number(slider.value)));
  document.querySelectorAll("[data-point]").forEach((node) => {
    node.addEventListener("click", () => show(Number(node.dataset.point)));
    node.addEventListener("keydown", (event) => { if (event.key === "Enter") show(Number(node.dataset.point)); });
  });
  document.getElementById("language").addEventListener("click", () => speak(root.lang === "en" ? "zh" : "en"));
  speak(root.lang);
  root.dataset.ready = "1";
})();
