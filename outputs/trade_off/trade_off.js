// The slider, the curve, the table and the map of a trade-off curve show the same point.

(() => {
  const slider = document.getElementById("slider");
  const radius = Math.max(data.frame.width, data.frame.height) / 165;

  function draw(point) {
    const group = document.getElementById("sites"), before = new Set(point ? data.open[point - 1] : data.open[point]);
    group.replaceChildren();
    data.open[point].forEach((site, i) => {
      const [x, y] = data.at[site], action = data.actions[data.action[point][i]];
      svgElement("path", {
        d: SYMBOLS[action], class: action + (before.has(site) ? "" : " new"),
        transform: `translate(${x} ${y}) scale(${(action === "kept" ? 0.6 : 1) * radius})`,
      }, group);
    });
  }

  function show(point) {
    slider.value = point;
    document.getElementById("now").textContent = `${text("point")} ${point + 1}: ${data.labels[root.lang][point]}`;
    document.querySelectorAll(".point").forEach((node) => node.classList.toggle("on", Number(node.dataset.point) === point));
    document.querySelectorAll("tr[data-point]").forEach((row) => row.classList.toggle("on", Number(row.dataset.point) === point));
    root.dataset.point = point;
    draw(point);
  }

  slider.addEventListener("input", () => show(Number(slider.value)));
  document.querySelectorAll("[data-point]").forEach((node) => {
    node.addEventListener("click", () => show(Number(node.dataset.point)));
    node.addEventListener("keydown", (event) => { if (event.key === "Enter") show(Number(node.dataset.point)); });
  });
  languages(() => show(Number(slider.value)))(root.lang);
  root.dataset.ready = "1";
})();
