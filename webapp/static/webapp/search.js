// Suggestions while typing, and moments that move when they are looked at; the page works without them.
"use strict";

(() => {
  const list = document.createElement("datalist");
  list.id = "suggestions";
  document.body.append(list);
  let waiting = 0;
  for (const field of document.querySelectorAll('input[type="search"][data-suggest]')) {
    field.setAttribute("list", list.id);
    field.setAttribute("autocomplete", "off");
    field.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(async () => {
        try {
          const response = await fetch(`${field.dataset.suggest}?beginning=${encodeURIComponent(field.value)}`);
          if (!response.ok) return;
          const { suggestions } = await response.json();
          list.replaceChildren(...suggestions.map((text) => new Option(text, text)));
        } catch { /* no suggestions, then */ }
      }, 200);
    });
  }
})();

// A moment under the pointer, or with the focus, plays without sound, unless motion is unwelcome or data is dear.
if (!matchMedia("(prefers-reduced-motion: reduce)").matches && !navigator.connection?.saveData) {
  for (const picture of document.querySelectorAll("[data-preview]")) {
    const link = picture.closest("a");
    let waiting = 0;
    const stop = () => { clearTimeout(waiting); picture.querySelector("video")?.remove(); };
    const start = () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => {
        const clip = Object.assign(document.createElement("video"), { src: picture.dataset.preview, muted: true, loop: true, playsInline: true });
        clip.setAttribute("aria-hidden", "true");
        clip.tabIndex = -1;
        picture.append(clip);
        clip.play().catch(stop);
      }, 350);
    };
    link.addEventListener("mouseenter", start);
    link.addEventListener("focus", start);
    link.addEventListener("mouseleave", stop);
    link.addEventListener("blur", stop);
  }
}

// A thumb stays where it was given; pressed again, it is taken back.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("[data-judge]")) return;
  event.preventDefault();
  const button = event.submitter;
  const taken = button.getAttribute("aria-pressed") === "true";
  const body = new FormData(form, button);
  if (taken) body.set("good", "");
  const response = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } }).catch(() => null);
  if (!response?.ok) return;
  for (const other of form.querySelectorAll("button")) other.setAttribute("aria-pressed", other === button && !taken);
});

// n and p go from result to result.
document.addEventListener("keydown", (event) => {
  if (!["n", "p"].includes(event.key) || typing() || keysOff() || event.ctrlKey || event.metaKey || event.altKey) return;
  const results = find(".moment > a");
  const at = results.findIndex((link) => link.parentElement.contains(document.activeElement));
  const next = results[event.key === "n" ? at + 1 : Math.max(0, at - 1)];
  if (!next) return;
  event.preventDefault();
  next.focus();
});

// A translation is written where it was asked for.
document.addEventListener("click", async (event) => {
  const link = event.target.closest("[data-translate]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (link.getAttribute("aria-busy") === "true") return;
  link.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(link.href);
    if (!response.ok) throw new Error(response.status);
    const place = document.createElement("div");
    place.setAttribute("role", "status");
    place.innerHTML = await response.text();  // rendered and escaped by our own server
    link.replaceWith(place);
  } catch {
    link.removeAttribute("aria-busy");
    location.assign(link.href);
  }
});
