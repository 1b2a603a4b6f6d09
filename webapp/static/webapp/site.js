// Everything here improves a page that works without it. No inline script, no library, no other host.
"use strict";

const player = document.getElementById("player");
const page = document.querySelector(".watch");
const find = (selector, root = document) => [...root.querySelectorAll(selector)];

function seek(seconds) {
  if (!player) return;
  const go = () => { player.currentTime = seconds; };
  if (player.readyState >= 1) go(); else player.addEventListener("loadedmetadata", go, { once: true });
}

// Links to a moment seek the player when it is the same video.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-seek]");
  if (!link || !player) return;
  if (link.dataset.video && link.dataset.video !== page.dataset.key) return;
  event.preventDefault();
  seek(Number(link.dataset.seek));
  history.replaceState(null, "", `?t=${link.dataset.seek}`);
  player.play().catch(() => {});
});

if (player) {
  const start = Number(new URLSearchParams(location.search).get("t"));
  if (start > 0) seek(start);

  const lines = find(".transcript p");
  const scenes = find(".strip a");
  const box = document.querySelector(".transcript");
  let current = null;
  player.addEventListener("timeupdate", () => {
    const now = player.currentTime;
    scenes.forEach((s) => s.classList.toggle("now", s.dataset.seek <= now && now < s.dataset.end));
    const line = lines.find((p) => p.dataset.start <= now && now < p.dataset.end);
    if (!line || line === current) return;
    current?.classList.remove("now");
    line.classList.add("now");
    current = line;
    if (!box.matches(":focus-within, :hover")) box.scrollTop = line.offsetTop - box.clientHeight / 3;
  });

  // Report what was watched every ten seconds of playing.
  let last = null;
  let played = 0;
  const report = () => {
    if (played < 1) return;
    const body = new URLSearchParams({ position: player.currentTime, seconds: Math.min(played, 60) });
    played = 0;
    fetch(page.dataset.watched, { method: "POST", body, headers: { "X-CSRFToken": token() }, keepalive: true }).catch(() => {});
  };
  player.addEventListener("timeupdate", () => {
    if (last !== null && player.currentTime > last && player.currentTime - last < 2) played += player.currentTime - last;
    last = player.currentTime;
    if (played >= 10) report();
  });
  player.addEventListener("pause", report);
}

// The frame that is on the screen becomes a search.
find("a[data-frame]").forEach((link) => {
  link.addEventListener("click", () => {
    link.search = new URLSearchParams({ frame: `${link.dataset.frame}@${(player?.currentTime ?? 0).toFixed(2)}` });
  });
});

// A link to the moment that is on the screen.
find("[data-share]").forEach((button) => {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    const link = new URL(location.pathname, location);
    link.searchParams.set("t", (player?.currentTime ?? 0).toFixed(1));
    await navigator.clipboard.writeText(link.href);
    const said = button.textContent;
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = said; }, 2000);
  });
});

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
        const playing = player && !player.paused;
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
  const former = form.closest(".answer");
  if (former) former.replaceWith(entry); else answers.prepend(entry);
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

find("form[data-confirm]").forEach((form) => {
  form.addEventListener("submit", (event) => { if (!confirm(form.dataset.confirm)) event.preventDefault(); });
});
