// Asking: answers arrive sentence by sentence; what they cite plays beside them.
"use strict";

// Questions: sentences arrive as they are found, without leaving the player.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form[data-ask]")) return;
  event.preventDefault();
  const body = new FormData(form, event.submitter);
  const answers = document.querySelector(".answers");
  const button = event.submitter ?? form.querySelector("button");
  const entry = document.createElement("article");
  entry.className = "answer";
  entry.append(Object.assign(document.createElement("h3"), { textContent: body.get("q") }), document.createElement("ol"));
  const former = form.matches("[data-next]") ? null : form.closest(".answer");
  if (!former) find("[data-next]").forEach((suggested) => { suggested.hidden = true; });
  if (form.matches("[data-next]")) document.getElementById("question")?.focus();
  if (former) former.replaceWith(entry); else answers.append(entry);
  entry.scrollIntoView({ block: "nearest" });
  answers.setAttribute("aria-busy", "true");
  button.disabled = true;
  try {
    const response = await fetch(form.action, { method: "POST", body, headers: { Accept: "text/event-stream" } });
    if (!response.ok || !response.body) throw new Error(response.status);
    for await (const [name, data] of events(response.body)) {
      if (name === "sentence") {
        entry.querySelector("ol").append(Object.assign(document.createElement("li"), { textContent: data.text }));
      } else {
        entry.outerHTML = data.html;
        offerCopies();
      }
    }
    if (form.matches(".ask")) form.reset();
    if (!former) answers.lastElementChild.scrollIntoView({ block: "nearest" });
  } catch { entry.replaceWith(...(former ? [former] : [])); form.removeAttribute("data-ask"); form.requestSubmit(event.submitter); } finally {
    button.disabled = false;
    answers.removeAttribute("aria-busy");
  }
});

async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    rest += value ?? "";
    const parts = rest.split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const [, name, data] = part.match(/^event: (\w+)\ndata: (.*)$/s) ?? [];
      if (name) yield [name, JSON.parse(data)];
    }
    if (done) return;
  }
}

// An answer as text, each sentence with the addresses of its moments.
function offerCopies() {
  if (navigator.clipboard) find("[data-copy]").forEach((button) => { button.hidden = false; });
}
offerCopies();
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const entry = button.closest(".answer");
  const lines = [...entry.querySelectorAll("li")].map((line) => {
    const links = [...line.querySelectorAll("a")].map((a) => a.href);
    const said = [...line.childNodes].filter((n) => n.nodeType === Node.TEXT_NODE).map((n) => n.textContent.trim()).join(" ");
    return `${said.trim()} ${links.join(" ")}`;
  });
  await navigator.clipboard.writeText([entry.querySelector("h3").textContent, ...lines].join("\n"));
});


// A citation of the library's page opens in a player beside the conversation.
const side = document.getElementById("side");
document.addEventListener("click", (event) => {
  const link = event.target.closest("a.citation[data-stream]");
  if (!side || !link || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const video = side.querySelector("video");
  const title = side.querySelector(".name a");
  title.textContent = link.dataset.title;
  title.href = link.href;
  side.hidden = false;
  if (video.getAttribute("src") !== link.dataset.stream) video.src = link.dataset.stream;
  const go = () => { video.currentTime = Number(link.dataset.seek); video.play().catch(() => {}); };
  if (video.readyState >= 1) go(); else video.addEventListener("loadedmetadata", go, { once: true });
});
side?.querySelector("button").addEventListener("click", () => {
  side.querySelector("video").pause();
  side.hidden = true;
});
