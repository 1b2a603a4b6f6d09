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

// Questions: the answer arrives without leaving the player.
find("form[data-ask]").forEach((form) => {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    const answers = form.parentElement.querySelector(".answers");
    button.disabled = true;
    answers.setAttribute("aria-busy", "true");
    try {
      const response = await fetch(form.dataset.ask, { method: "POST", body: new FormData(form) });
      if (!response.ok) { form.submit(); return; }
      answers.insertAdjacentHTML("afterbegin", await response.text());
      form.reset();
    } catch { form.submit(); } finally {
      button.disabled = false;
      answers.removeAttribute("aria-busy");
    }
  });
});

find("form[data-confirm]").forEach((form) => {
  form.addEventListener("submit", (event) => { if (!confirm(form.dataset.confirm)) event.preventDefault(); });
});
