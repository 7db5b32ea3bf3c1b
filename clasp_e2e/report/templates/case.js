"use strict";
// The page works without this script, which filters the entries, and moves between them by keyboard.
const tools = document.querySelector(".tools");
const entries = [...document.querySelectorAll(".walk .sequence li")];
const outcome = document.getElementById("outcome");

function pressed(kind) {
  const buttons = tools.querySelectorAll(`button[data-filter="${kind}"][aria-pressed="true"]`);
  return new Set([...buttons].map((button) => button.dataset.value));
}

function filter() {
  const lanes = pressed("lane");
  const groups = pressed("group");
  const only = pressed("only").size > 0;
  let shown = 0;
  let counted = 0;
  for (const entry of entries) {
    const { group, who, to } = entry.dataset;
    if (group === undefined) continue; // The outcome and the pauses are always shown.
    const chosen = !lanes.size || lanes.has(who) || lanes.has(to);
    const related = !only || entry.classList.contains("related");
    const routine = !entry.classList.contains("minor") || groups.has("minor");
    entry.hidden = !(chosen && related && routine && (!group || groups.has(group)));
    shown += !entry.hidden;
    counted += 1;
  }
  for (const section of document.querySelectorAll(".stderr")) {
    section.hidden = lanes.size > 0 && !lanes.has(section.dataset.who);
  }
  tools.querySelector("output").textContent = `${shown} of ${counted} entries`;
}

function go(entry) {
  if (!entry) return;
  for (const each of entries) each.tabIndex = each === entry ? 0 : -1;
  entry.focus({ preventScroll: true });
  entry.scrollIntoView({ block: "center" });
}

const keys = {
  ArrowDown: (all, place) => go(all[place + 1]),
  ArrowUp: (all, place) => go(all[place - 1]),
  Home: (all) => go(all[0]),
  End: (all) => go(all.at(-1)),
  ArrowRight: (all, place) => open(all[place], true),
  ArrowLeft: (all, place) => open(all[place], false),
};

function open(entry, whether) {
  const frame = entry.querySelector("details");
  if (frame) frame.open = whether;
}

function press(event) {
  const { key, altKey, ctrlKey, metaKey } = event;
  if (altKey || ctrlKey || metaKey) return;
  if (key === "o") go(outcome);
  const entry = document.activeElement.closest(".sequence li");
  if (!entry || document.activeElement.matches("pre") || !(key in keys)) return;
  event.preventDefault();
  const all = entries.filter((each) => !each.hidden && each.tabIndex !== undefined && each.matches("[tabindex]"));
  keys[key](all, all.indexOf(entry));
}

if (tools) {
  tools.hidden = false;
  document.getElementById("keys").hidden = false;
  const button = document.getElementById("go");
  button.hidden = !outcome;
  button.addEventListener("click", () => go(outcome));
  tools.addEventListener("click", ({ target }) => {
    const chosen = target.closest("button[data-filter]");
    if (!chosen) return;
    chosen.setAttribute("aria-pressed", String(chosen.getAttribute("aria-pressed") !== "true"));
    filter();
  });
  addEventListener("keydown", press);
  filter();
  if (!outcome && entries.length) entries[0].tabIndex = 0;
  go(outcome);
}
