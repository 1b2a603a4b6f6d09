// Suggestions while typing; the page works without them.
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
