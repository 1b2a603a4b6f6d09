// What every page shares. Everything here improves a page that works without it. No inline script, no other host.
"use strict";

const find = (selector, root = document) => [...root.querySelectorAll(selector)];

function token() {
  return document.querySelector("[name=csrfmiddlewaretoken]").value;
}

// Progress: ask every two seconds while work goes on; reload once there is more to show.
find("[data-poll]").forEach((box) => {
  let status = box.dataset.status;
  const busy = () => status === "processing" || status === "searchable";
  const tick = async () => {
    try {
      const response = await fetch(box.dataset.poll);
      if (response.ok) {
        const next = response.headers.get("X-Video-Status");
        const video = document.querySelector("video");
        const playing = video && !video.paused;
        const asking = document.activeElement?.matches("input, select");
        if (next !== status && !playing && !asking) { location.reload(); return; }
        box.innerHTML = await response.text(); // rendered and escaped by our own server
        if (next !== status && !busy()) return;
      }
    } catch { /* the server restarts: ask again */ }
    if (busy()) setTimeout(tick, 2000);
  };
  if (busy()) setTimeout(tick, 2000);
});

// What takes longer than a page may: fetched once the page is there. Without scripts a link stands in its place.
async function load(box, address) {
  box.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(address);
    if (response.ok) box.innerHTML = await response.text(); // rendered and escaped by our own server
  } catch { /* the link stays */ } finally {
    box.removeAttribute("aria-busy");
  }
}
// What is loaded when it comes into sight: a tab that nobody opens costs nothing.
const sight = new IntersectionObserver((seen) => seen.filter((one) => one.isIntersecting).forEach(({ target }) => {
  sight.unobserve(target);
  load(target, target.dataset.load);
}), { rootMargin: "200px" });
find("[data-load]").forEach((box) => sight.observe(box));

// A part of the page that always shows the present.
find("[data-refresh]").forEach((box) => {
  setInterval(async () => {
    if (document.hidden || box.contains(document.activeElement)) return;
    try {
      const response = await fetch(box.dataset.refresh);
      if (response.ok) box.innerHTML = await response.text(); // rendered and escaped by our own server
    } catch { /* the server restarts: ask again */ }
  }, 3000);
});

// What can't be undone is asked again: of a whole form, or of one of its buttons.
document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});

// Choices that only look differently take effect at once; the button is for those without scripts.
find("form.tools:not([method])").forEach((form) => {
  form.addEventListener("change", () => form.requestSubmit());
});

// What is done with ticked videos is offered once there are some.
find("form[data-selection]").forEach((form) => {
  const bulk = form.querySelector(".bulk");
  const show = () => { bulk.hidden = !form.querySelector("[name=video]:checked"); };
  form.addEventListener("change", show);
  show();
});

// Sections of one place become tabs. An address that ends in #name opens that tab.
find("[data-tabs]").forEach((box) => {
  const panels = [...box.children];
  const list = Object.assign(document.createElement("div"), { className: "tablist" });
  list.setAttribute("role", "tablist");
  list.setAttribute("aria-label", box.dataset.tabs);
  const tabs = panels.map((panel) => {
    const heading = panel.querySelector("h2");
    const tab = Object.assign(document.createElement("button"), { type: "button", id: `tab-${panel.id}`, textContent: heading.textContent });
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", panel.id);
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", tab.id);
    heading.classList.add("hidden");
    tab.addEventListener("click", () => show(tab));
    return tab;
  });
  const show = (chosen) => tabs.forEach((tab, i) => {
    tab.setAttribute("aria-selected", tab === chosen);
    tab.tabIndex = tab === chosen ? 0 : -1;
    panels[i].hidden = tab !== chosen;
  });
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const at = event.key === "Home" ? 0 : event.key === "End" ? tabs.length - 1 : (tabs.indexOf(document.activeElement) + (step ?? 0) + tabs.length) % tabs.length;
    if (!step && event.key !== "Home" && event.key !== "End") return;
    event.preventDefault();
    tabs[at].focus();
    show(tabs[at]);
  });
  list.append(...tabs);
  box.prepend(list);
  const open = () => tabs[Math.max(0, panels.findIndex((panel) => `#${panel.id}` === location.hash))];
  show(open());
  addEventListener("hashchange", () => show(open()));
});

// Keys. Whoever dictates or types by other means can switch them off; the dialog says which there are.
const keys = document.getElementById("keys");
const typing = () => document.activeElement?.matches("input, textarea, select, [contenteditable]");
const keysOff = () => localStorage.getItem("keys") === "off";
keys?.querySelector("input").addEventListener("change", (event) => {
  localStorage.setItem("keys", event.target.checked ? "on" : "off");
});
find("[data-keys]").forEach((button) => button.addEventListener("click", () => {
  keys.querySelector("input").checked = !keysOff();
  keys.showModal();
}));
document.addEventListener("keydown", (event) => {
  if (typing() || event.ctrlKey || event.metaKey || event.altKey || keysOff()) return;
  if (event.key === "/") {
    event.preventDefault();
    [...find('input[type="search"]')].at(0)?.focus();
  } else if (event.key === "?" && keys) {
    event.preventDefault();
    document.querySelector("[data-keys]").click();
  }
});
