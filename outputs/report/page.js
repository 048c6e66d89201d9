"use strict";
// What every page has: its data, its words in two languages, and the symbols of facilities.

window.__errors = 0;
window.addEventListener("error", () => { window.__errors += 1; });

const SVG = "http://www.w3.org/2000/svg";
const SYMBOLS = {
  kept: "M-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0z",
  extended: "M-.9-.9h1.8v1.8h-1.8z",
  opened: "M0-1.25L1.2.95H-1.2z",
  closed: "M-1 0h2M0-1v2",
  gap: "M0-1.3L1.3 0L0 1.3L-1.3 0z",
};
const root = document.documentElement;
const data = JSON.parse(document.getElementById("data").textContent);
const text = (key) => data.texts[root.lang][`js_${key}`] || key;

function add(parent, name, words, className) {
  const node = parent.appendChild(document.createElement(name));
  if (words !== undefined) node.textContent = words;
  if (className) node.className = className;
  return node;
}

function svgElement(name, attributes, parent) {
  const node = document.createElementNS(SVG, name);
  for (const key in attributes) node.setAttribute(key, attributes[key]);
  if (parent) parent.appendChild(node);
  return node;
}

// Lets the button switch the language, and returns what sets it; "said" writes the words of the script anew.
function languages(said) {
  function speak(lang) {
    root.lang = data.titles[lang] ? lang : "en";
    document.title = data.titles[root.lang];
    said();
  }
  document.getElementById("language").addEventListener("click", () => speak(root.lang === "en" ? "zh" : "en"));
  return speak;
}
