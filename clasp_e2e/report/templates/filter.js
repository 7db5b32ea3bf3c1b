"use strict";
// The page works without this script, which filters the entries and opens the target of a link.
const form = document.querySelector("form.filter");
const entries = [...document.querySelectorAll("details.entry")].map((element) => ({
  element,
  text: element.querySelector("summary").textContent.toLowerCase(),
}));

function filter() {
  const text = form.elements.text.value.trim().toLowerCase();
  const verdict = form.elements.verdict.value;
  let shown = 0;
  for (const entry of entries) {
    const given = entry.element.dataset.verdict;
    const wanted = entry.text.includes(text) && (!verdict || given === verdict);
    entry.element.hidden = !wanted;
    shown += wanted;
  }
  for (const chapter of document.querySelectorAll("section.chapter")) {
    chapter.hidden = !chapter.querySelector("details.entry:not([hidden])");
  }
  const output = form.querySelector("output");
  output.textContent = `${shown} of ${entries.length} ${output.dataset.what}`;
}

function open() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  const entry = target.closest("details.entry");
  const hidden = entry ? entry.hidden : target.closest("section.chapter[hidden]");
  if (hidden) {
    form.reset();
    filter();
  }
  if (entry) {
    entry.open = true;
    entry.querySelector("summary").focus({ preventScroll: true });
  }
  target.scrollIntoView();
}

if (form) {
  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  filter();
}
addEventListener("hashchange", open);
open();
