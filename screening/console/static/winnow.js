// Keys for those who clear queues. Everything here is also a link or a button: without this file nothing is lost.
"use strict";

const rows = () => Array.from(document.querySelectorAll("tr[data-row]"));
const here = () => document.querySelector("tr.here");

function go(row) {
  if (!row) return;
  here()?.classList.remove("here");
  row.classList.add("here");
  const link = row.querySelector("a");
  link?.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const all = rows();
  if (all.length === 0) {
    document.querySelector(by > 0 ? "a[rel=next]" : "a[rel=prev]")?.click();
    return;
  }
  const at = all.indexOf(here());
  const next = at < 0 ? all[0] : all[at + by];
  if (next) go(next);
  else document.querySelector(by > 0 ? "a[rel=next]" : "a[rel=prev]")?.click();
}

function press(key) {
  const target = here()?.querySelector(`[data-key="${key}"]`) ?? document.querySelector(`[data-key="${key}"]`);
  if (!target || target.disabled) return false;
  if (target.matches("input, textarea, select")) target.focus();
  else target.click();
  return true;
}

const acts = {
  j: () => step(1),
  k: () => step(-1),
  o: () => here()?.querySelector("a")?.click(),
  x: () => here()?.querySelector("input[type=checkbox]")?.click(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector("dialog[open]")) return;
  const typing = event.target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select");
  if (typing) {
    if (event.key === "Escape") typing.blur();
    return;
  }
  if (acts[event.key]) acts[event.key]();
  else if (event.key.length !== 1 || !press(event.key)) return;
  event.preventDefault();
});

// buttons that only work with this file are hidden without it
for (const button of document.querySelectorAll("[data-opens]")) {
  button.hidden = false;
  button.addEventListener("click", () => document.getElementById(button.dataset.opens).showModal());
}

// one box chooses every row
document.querySelector("[data-chooses-all]")?.addEventListener("change", (event) => {
  for (const box of document.querySelectorAll("tr[data-row] input[type=checkbox]")) box.checked = event.target.checked;
});

// the menu of a wide window is always open; on a phone it opens on demand
const wide = window.matchMedia("(min-width: 62.01rem)");
const fold = document.querySelector(".fold");
const unfold = () => { if (fold) fold.open = wide.matches; };
wide.addEventListener("change", unfold);
unfold();

// a slider says its value while it moves; the form sends it
for (const slider of document.querySelectorAll("input[type=range][data-says]")) {
  const says = document.getElementById(slider.dataset.says);
  slider.addEventListener("input", () => { says.textContent = slider.value; });
  slider.addEventListener("change", () => { slider.form.requestSubmit(); });
}

// the theme is chosen by choosing it
document.getElementById("theme")?.addEventListener("change", (event) => event.target.form.requestSubmit());

// nobody sends the same decision twice by pressing twice
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
}
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
