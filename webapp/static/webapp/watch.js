// The watch page: player, timeline, transcript, keys. The page works without it, with the browser's own player.
"use strict";

const page = document.querySelector(".watch");
const video = document.getElementById("player");
const settings = JSON.parse(document.getElementById("player-settings")?.textContent ?? "null");
const controls = video && settings && new Plyr(video, {
  ...settings,
  controls: ["play-large", "play", "progress", "current-time", "duration", "mute", "volume", "captions", "settings", "pip", "fullscreen"],
  settings: ["captions", "speed"],
  speed: { selected: 1, options: [0.5, 0.75, 1, 1.25, 1.5, 2] },
  keyboard: { focused: false, global: false }, // below: one map for the whole page
  blankVideo: "",
});

function seek(seconds) {
  if (!video) return;
  const go = () => { video.currentTime = seconds; };
  if (video.readyState >= 1) go(); else video.addEventListener("loadedmetadata", go, { once: true });
}

// Links to a moment of this video seek the player.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-seek]");
  if (!link || !video || (link.dataset.video && link.dataset.video !== page.dataset.key)) return;
  event.preventDefault();
  seek(Number(link.dataset.seek));
  const address = new URL(location);
  address.searchParams.set("t", link.dataset.seek);
  history.replaceState(null, "", address);
  video.play().catch(() => {});
});

// Moments of other videos like the scene that plays: when it changes, unless somebody is about to choose one.
const near = document.querySelector("[data-near]");
let scene = null;
function follow(playing) {
  if (!near || !playing || playing === scene || near.closest("[hidden]") || near.matches(":focus-within, :hover")) return;
  scene = playing;
  load(near, `${near.dataset.load}?t=${playing.dataset.seek}`);
}

if (video) {
  const start = Number(new URLSearchParams(location.search).get("t"));
  if (start > 0) seek(start);

  const lines = find(".transcript .line");
  const scenes = find(".strip a");
  const box = document.querySelector(".transcript");
  const cursor = document.querySelector(".rail .now");
  let current = null;
  video.addEventListener("timeupdate", () => {
    const now = video.currentTime;
    cursor?.setAttribute("x", (1000 * now) / (video.duration || 1));
    scenes.forEach((s) => s.classList.toggle("now", s.dataset.seek <= now && now < s.dataset.end));
    follow(scenes.find((s) => s.matches(".now")));
    const line = lines.find((p) => p.dataset.start <= now && now < p.dataset.end);
    if (!line || line === current) return;
    current?.classList.remove("now");
    line.classList.add("now");
    current = line;
    if (!box.matches(":focus-within, :hover")) box.scrollTop = line.offsetTop - box.clientHeight / 3;
  });

  // Report what was watched every ten seconds of playing.
  const hit = new URLSearchParams(location.search).get("hit") || "";  // the search result that led here
  let last = null;
  let played = 0;
  let paused = []; // where it was stopped or set back: hard points, told only of many people
  const report = () => {
    if (played < 1) return;
    const body = new URLSearchParams({ position: video.currentTime, seconds: Math.min(played, 60), hit });
    for (const second of paused) body.append("paused", second);
    [played, paused] = [0, []];
    fetch(page.dataset.watched, { method: "POST", body, headers: { "X-CSRFToken": token() }, keepalive: true }).catch(() => {});
  };
  video.addEventListener("timeupdate", () => {
    if (last !== null && video.currentTime > last && video.currentTime - last < 2) played += video.currentTime - last;
    last = video.currentTime;
    if (played >= 10) report();
  });
  video.addEventListener("seeking", () => {
    if (last !== null && last - video.currentTime > 1) paused.push(Math.floor(video.currentTime));
  });
  video.addEventListener("pause", () => {
    if (!video.ended) paused.push(Math.floor(video.currentTime));
    report();
  });
}

// The next (1) or previous (-1) place worth going to: search hits, else chapters, else scenes.
function jump(step) {
  const places = [".hits a", ".chapters a", ".strip a"].map((s) => find(s)).find((links) => links.length) ?? [];
  const times = places.map((a) => Number(a.dataset.seek)).sort((a, b) => a - b);
  const now = video.currentTime;
  const next = step > 0 ? times.find((t) => t > now + 0.5) : times.findLast((t) => t < now - 1.5);
  if (next !== undefined) seek(next);
}

const actions = {
  k: () => controls.togglePlay(),
  " ": () => controls.togglePlay(),
  j: () => controls.rewind(10),
  l: () => controls.forward(10),
  ArrowLeft: () => controls.rewind(5),
  ArrowRight: () => controls.forward(5),
  m: () => { controls.muted = !controls.muted; },
  c: () => controls.toggleCaptions(),
  f: () => controls.fullscreen.toggle(),
  i: () => { controls.pip = !controls.pip; },
  "<": () => { controls.speed = Math.max(0.5, controls.speed - 0.25); },
  ">": () => { controls.speed = Math.min(2, controls.speed + 0.25); },
  n: () => jump(1),
  p: () => jump(-1),
  s: () => document.querySelector("[data-share]")?.click(),
  h: () => document.querySelector("[data-heat]")?.click(),
};
document.addEventListener("keydown", (event) => {
  const act = actions[event.key];
  if (!act || !controls || typing() || keysOff() || event.ctrlKey || event.metaKey || event.altKey) return;
  const focus = document.activeElement;
  if (event.key === " " && !focus.matches("body, .plyr, .plyr *, #main")) return; // a button or link that has the focus
  if (event.key === " " && focus.matches("button, [role^=menuitem]")) return;
  if (event.key.startsWith("Arrow") && focus.matches("[role=tab], [role^=menuitem]")) return;
  event.preventDefault();
  act();
});

// What a button says for a while.
function flash(button, text, milliseconds) {
  button.dataset.said ??= button.textContent;
  button.textContent = text;
  setTimeout(() => { button.textContent = button.dataset.said; }, milliseconds);
}

// Where in the frame the words are seen: a layer over the picture, until it moves on.
const heat = document.querySelector("[data-heat]");
const layer = Object.assign(new Image(), { className: "heat", alt: "" });
function cool() {
  layer.remove();
  heat.setAttribute("aria-pressed", "false");
}
async function warm() {
  video.pause();
  const asked = new URLSearchParams({ q: heat.dataset.query, t: video.currentTime.toFixed(2) });
  const response = await fetch(`${heat.dataset.heat}?${asked}`);
  if (response.status !== 200) {
    flash(heat, heat.dataset.none, 4000);
    return;
  }
  const picture = await response.blob();
  video.currentTime = Number(response.headers.get("X-Time"));
  await new Promise((done) => { video.addEventListener("seeked", done, { once: true }); });
  URL.revokeObjectURL(layer.src);
  layer.src = URL.createObjectURL(picture);
  const stage = video.closest(".stage");
  const scale = Math.min(stage.clientWidth / video.videoWidth, stage.clientHeight / video.videoHeight);
  layer.style.width = `${scale * video.videoWidth}px`;
  layer.style.height = `${scale * video.videoHeight}px`;
  stage.append(layer);
  heat.setAttribute("aria-pressed", "true");
}
if (heat && video) {
  heat.hidden = false;
  heat.addEventListener("click", () => (layer.isConnected ? cool() : warm()));
  for (const moved of ["play", "seeking"]) video.addEventListener(moved, cool);
}

// The frame that is on the screen becomes a search.
find("a[data-frame]").forEach((link) => {
  link.addEventListener("click", () => {
    link.search = new URLSearchParams({ frame: `${link.dataset.frame}@${(video?.currentTime ?? 0).toFixed(2)}` });
  });
});

// A link to the moment that is on the screen.
find("[data-share]").forEach((button) => {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    const link = new URL(location.pathname, location);
    link.searchParams.set("t", (video?.currentTime ?? 0).toFixed(1));
    await navigator.clipboard.writeText(link.href);
    flash(button, button.dataset.done, 2000);
  });
});

find("form[data-start]").forEach((form) => {
  form.addEventListener("submit", () => { form.elements.start.value = (video?.currentTime ?? 0).toFixed(1); });
});

// The transcript: lines that hold what is typed; and, for whom may edit, a line that is mended where it stands.
const sieve = document.getElementById("sieve");
sieve?.addEventListener("input", () => {
  const wanted = sieve.value.trim().toLocaleLowerCase();
  let left = 0;
  for (const line of find(".transcript .line")) {
    line.hidden = !line.querySelector(".said").textContent.toLocaleLowerCase().includes(wanted);
    left += !line.hidden;
  }
  document.getElementById("sieved").textContent = wanted ? sieve.dataset.left.replace("0", left) : "";
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-mend]");
  if (!button) return;
  const line = button.closest(".line");
  const form = document.getElementById("mend").content.firstElementChild.cloneNode(true);
  form.action = button.dataset.mend;
  form.elements.csrfmiddlewaretoken.value = token();
  form.elements.text.value = line.querySelector(".said").textContent;
  form.querySelector("[type=button]").addEventListener("click", () => { form.replaceWith(line); button.focus(); });
  line.replaceWith(form);
  form.elements.text.focus();
});
