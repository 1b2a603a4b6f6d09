// Resumable uploads: a queue, one file at a time; each can be paused, resumed and given up. Without scripts the form works.
"use strict";

const form = document.querySelector("form.upload");
const list = document.querySelector("ul.uploads");
const input = form.querySelector("input[type=file]");
const drop = form.querySelector(".drop");
const said = document.getElementById("upload-said");
const words = list.dataset;
const queue = [];

["dragover", "dragleave", "drop"].forEach((name) => drop.addEventListener(name, (event) => {
  event.preventDefault();
  drop.classList.toggle("over", name === "dragover");
  if (name === "drop") input.files = event.dataTransfer.files;
}));

form.addEventListener("submit", (event) => {
  event.preventDefault();
  document.querySelector(".unfinished")?.remove();
  for (const file of input.files) queue.push(new Item(file, form.elements.visibility.value));
  form.reset();
  next();
});

window.addEventListener("beforeunload", (event) => {
  if (queue.some((item) => item.state === "sending" || item.state === "waiting")) event.preventDefault();
});

function next() {
  if (!queue.some((item) => item.state === "sending")) queue.find((item) => item.state === "waiting")?.start();
}

class Item {
  constructor(file, visibility) {
    this.file = file;
    this.state = "waiting";
    this.row = document.createElement("li");
    this.name = document.createElement("span");
    this.name.textContent = file.name;
    this.note = document.createElement("span");
    this.note.className = "meta";
    this.bar = document.createElement("progress");
    this.bar.max = file.size || 1;
    this.bar.value = 0;
    this.bar.setAttribute("aria-label", file.name);
    this.toggle = this.button(words.pause, () => (this.state === "paused" ? this.resume() : this.pause()));
    this.stop = this.button(words.cancel, () => this.cancel());
    this.row.append(this.name, " ", this.note, this.bar, this.toggle, this.stop);
    list.append(this.row);
    this.say(words.waiting);
    this.upload = new tus.Upload(file, {
      endpoint: form.dataset.endpoint,
      chunkSize: 64 * 1024 * 1024, // below what proxies commonly take in one request
      retryDelays: [0, 1000, 3000, 5000, 10000, 20000, 30000, 60000],
      removeFingerprintOnSuccess: true,
      metadata: { filename: file.name, visibility },
      headers: { "X-CSRFToken": token() },
      onProgress: (sent) => { this.bar.value = sent; this.say(`${Math.floor((100 * sent) / file.size)} %`); },
      onShouldRetry: (error) => {
        const status = error.originalResponse?.getStatus() ?? 0;
        const again = status === 0 || status >= 500 && status !== 507 || [409, 423, 429].includes(status);
        if (again) this.say(words.retrying);
        return again;
      },
      onError: (error) => this.fail(error.originalResponse),
      onSuccess: () => this.finish(),
    });
  }

  button(label, act) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "quiet";
    made.textContent = label;
    made.setAttribute("aria-label", `${label}: ${this.file.name}`);
    made.addEventListener("click", act);
    return made;
  }

  relabel(label) {
    this.toggle.textContent = label;
    this.toggle.setAttribute("aria-label", `${label}: ${this.file.name}`);
  }

  say(text) { this.note.textContent = text; }

  async start() {
    this.state = "sending";
    this.relabel(words.pause);
    this.note.className = "meta";
    if (!this.upload.url) {
      const [earlier] = await this.upload.findPreviousUploads(); // of this very file, before the page was reloaded
      if (earlier) this.upload.resumeFromPreviousUpload(earlier);
    }
    if (this.state === "sending") this.upload.start();
  }

  pause() {
    this.state = "paused";
    this.upload.abort();
    this.relabel(words.resume);
    this.say(words.paused);
    next();
  }

  resume() {
    this.state = "waiting";
    this.say(words.waiting);
    this.relabel(words.pause);
    next();
  }

  cancel() {
    this.state = "over";
    this.upload.abort(true).catch(() => {});
    this.row.remove();
    form.querySelector("button").focus();
    next();
  }

  fail(response) {
    const reason = response?.getStatus() >= 400 && response.getHeader("Content-Type")?.startsWith("text/plain") && response.getBody();
    this.note.className = "error";
    this.say(reason || words.failed);
    said.textContent = `${this.file.name}: ${reason || words.failed}`;
    if (reason) { this.end(); } else { this.state = "paused"; this.relabel(words.resume); }
    next();
  }

  // All bytes are there: what became of the file?
  async finish() {
    this.bar.value = this.file.size;
    this.say(words.checking);
    let told = { error: "", url: "" };
    while (!told.error && !told.url) {
      const response = await fetch(this.upload.url, { headers: { Accept: "application/json" } }).catch(() => null);
      if (response?.ok) told = await response.json(); // else the site restarts: ask again
      else if (response && response.status < 500) told.error = words.failed;
      if (!told.error && !told.url) await new Promise((resolve) => setTimeout(resolve, 2000));
    }
    const note = document.createElement(told.url ? "a" : "span");
    note.textContent = told.error || words.open;
    if (told.url) note.href = told.url; else note.className = "error";
    this.note.replaceWith(note);
    said.textContent = `${this.file.name}: ${note.textContent}`;
    this.end();
    next();
  }

  end() {
    this.state = "over";
    this.bar.remove();
    this.toggle.remove();
    this.stop.remove();
  }
}
