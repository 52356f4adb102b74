// One to six phones: threads, ticks, where each conversation stands. All text is set as text, never as markup.
"use strict";
const NAMES = ["Ann", "Bob", "Cleo", "Dan", "Eve", "Finn"], FIRST = 48600100200;
const TICKS = { queued: "…", accepted: "✓ accepted", sent: "✓ sent", delivered: "✓✓ delivered", undelivered: "✕ undelivered", expired: "⌛ expired", failed: "✕ failed", received: "✓✓ received" };
const SIGNALS = { on: "▂▄▆█", off: "off", full: "full", slow: "▂", duplicate: "▂▄▆█", reorder: "▂▄▆█" };
// 3GPP TS 23.038: the default alphabet, and what costs two septets.
const GSM = new Set("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà");
const TWICE = new Set("\f^{}\\[~]|€");
// How a run ends that nobody has finished, and one that could not go on.
const LEFT = new Set(["abandoned", "switched", "stopped", "wrong_number", "ended_by_desk", "restarted", "joined", "erased"]), BROKEN = new Set(["failed", "too_many_questions", "too_many_waits"]);
const phones = [], box = document.getElementById("phones");
let now = Date.now() / 1000, drawn = Date.now(), busy = false, again = false;

async function post(path, body, method = "POST") {
  let answer;
  try { answer = await fetch(path, { method, body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }); }
  catch { throw new Error("The server does not answer. Is smsbot dev running?"); }
  const isJson = (answer.headers.get("content-type") || "").startsWith("application/json");
  const content = isJson ? await answer.json() : {};
  if (!answer.ok) throw new Error(content.error || "HTTP " + answer.status);
  return content;
}

function complain(error) { document.getElementById("trouble").textContent = error ? error.message : ""; }

function count(text) {
  const gsm = [...text].every((c) => GSM.has(c) || TWICE.has(c));
  const units = gsm ? [...text].reduce((n, c) => n + (TWICE.has(c) ? 2 : 1), 0) : text.length;
  const [one, many] = gsm ? [160, 153] : [70, 67];
  const parts = units <= one ? 1 : Math.ceil(units / many);
  const left = (parts === 1 ? one : parts * many) - units;
  return `${parts} SMS, ${left} left` + (gsm ? "" : " (special letters: 70 a part)");
}

function clock(at, day, zone) {
  const when = new Date(at * 1000), time = { hour: "2-digit", minute: "2-digit", timeZone: zone };
  return day ? when.toLocaleString([], { weekday: "short", day: "numeric", month: "short", ...time }) : when.toLocaleTimeString([], time);
}

function span(seconds) {
  if (seconds < 1) return "now";
  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]], parts = [];
  let left = Math.round(seconds);
  for (const [unit, size] of units) {
    const n = Math.floor(left / size);
    if (n && parts.length < 2) parts.push(`${n} ${unit}`);
    left -= n * size;
  }
  return "in " + parts.join(" ");
}

class Phone {
  constructor(number, line) {
    this.root = document.getElementById("phone").content.firstElementChild.cloneNode(true);
    this.run = null; this.last = ""; this.waiting = 0;
    this.$("me").value = number;
    if (line) this.$("line").value = line;
    if (!this.$("line").value) this.$("line").selectedIndex = 0;
    this.$("compose").addEventListener("submit", (e) => { e.preventDefault(); this.send(); });
    this.$("text").addEventListener("input", () => { this.$("parts").textContent = this.$("text").value ? count(this.$("text").value) : ""; });
    this.$("text").addEventListener("keydown", (e) => { if (e.key === "ArrowUp" && !this.$("text").value) { this.$("text").value = this.last; e.preventDefault(); } });
    this.$("mode").addEventListener("change", () => post(this.address(), { mode: this.$("mode").value }, "PATCH").then(draw, complain));
    this.$("me").addEventListener("change", () => { remember(); this.clear(); draw(); });
    this.$("line").addEventListener("change", () => { remember(); this.clear(); draw(); });
    this.$("remove").addEventListener("click", () => remove(this));
    this.$("skip-to").addEventListener("click", () => jump({ until: this.run.due }));
    this.$("save").addEventListener("submit", (e) => { e.preventDefault(); this.save(); });
    this.$("event").addEventListener("change", () => this.fields());
    this.$("outside").addEventListener("submit", (e) => { e.preventDefault(); this.happen(); });
  }
  $(name) { return this.root.querySelector("." + name); }
  get number() { return this.$("me").value.trim(); }
  get line() { return this.$("line").value; }
  address() { return "/sandbox/phones/" + encodeURIComponent(this.number); }
  clear() { this.$("thread").replaceChildren(); this.run = null; }

  async send() {
    const text = this.$("text").value;
    if (!text.trim()) return;
    this.$("text").value = ""; this.$("parts").textContent = ""; this.last = text;
    this.waiting = Date.now() + 5000;
    this.$("typing").hidden = false;
    setTimeout(() => { this.$("typing").hidden = true; }, 5000);
    try { await post(this.address() + "/texts", { text, to: this.line }); this.complain(null); }
    catch (error) { this.complain(error); this.$("text").value = text; this.$("typing").hidden = true; return; }
    draw();
  }

  async save() {
    try {
      const name = this.$("name").value.trim() || (this.run ? this.run.place.split(".")[0] + " " + (this.run.end || "under way") : "story");
      const saved = await post("/phone/story", { number: this.number, line: this.line, name });
      this.$("name").value = "";
      document.getElementById("saved-path").textContent = saved.path;
      document.getElementById("saved-text").textContent = saved.text;
      document.getElementById("saved").showModal();
    } catch (error) { this.complain(error); }
  }

  complain(error) { const p = this.root.querySelector("p.trouble"); p.hidden = !error; p.textContent = error ? error.message : ""; }

  show(view, place) {
    const name = NAMES[place] || "Phone";
    this.$("who").textContent = name;
    this.$("log").setAttribute("aria-label", "Thread of " + name);
    this.$("text").setAttribute("aria-label", name + " texts");
    if (view.error) { this.complain(new Error(view.error)); this.clear(); this.stand(null); this.words(this.$("words"), []); this.$("save").hidden = true; this.$("typing").hidden = true; return; }
    this.complain(null);
    this.$("signal").textContent = SIGNALS[view.mode];
    this.$("signal").title = "The phone is " + view.mode;
    this.root.dataset.mode = view.mode;
    if (document.activeElement !== this.$("mode")) this.$("mode").value = view.mode;
    this.zone = view.zone;
    this.thread(view.thread);
    const end = view.thread[view.thread.length - 1];
    this.$("typing").hidden = !(end && end.direction === "in" && Date.now() < this.waiting);
    this.stand(view.run);
    this.words(this.$("words"), view.words);
    this.words(this.root.querySelector(".every"), view.starts);
    this.$("starts").hidden = view.starts.length <= view.words.length && !(view.run && view.run.step);
    this.$("number").textContent = `${view.number} · ${view.mode} · texts ${view.line}`;
    this.begin(view);
    this.events(view.events);
    this.picture(view);
    this.$("save").hidden = !view.thread.length;
  }

  begin(view) {
    const p = this.$("begin"), word = view.starts[0];
    p.hidden = view.thread.length > 0 || !word;
    if (p.hidden || p.dataset.word === word) return;
    p.dataset.word = word;
    const bold = document.createElement("b");
    bold.textContent = word.toUpperCase();
    p.replaceChildren("Text ", bold, " to begin.");
  }

  // What happens outside: a form of the data that an event takes.
  events(events) {
    const names = Object.keys(events), select = this.$("event"), said = JSON.stringify(events);
    this.$("outside").hidden = !names.length;
    if (select.dataset.said === said) return;
    select.dataset.said = said;
    this.takes = events;
    select.replaceChildren(...names.map((name) => new Option(name, name)));
    this.fields();
  }

  fields() {
    const schema = this.takes[this.$("event").value] || {}, needed = new Set(schema.required || []);
    const rows = Object.entries(schema.properties || {}).map(([name, type]) => {
      const label = document.createElement("label"), span = document.createElement("span"), input = document.createElement("input");
      const [kind] = [type.type].flat();
      span.textContent = name;
      input.name = name; input.autocomplete = "off"; input.required = needed.has(name);
      input.placeholder = (type.examples || [type.format === "date-time" ? "2026-12-01T09:00" : type.format === "date" ? "2026-12-01" : type.enum ? type.enum.join(", ") : kind === "string" ? "text" : kind || ""])[0];
      input.dataset.kind = kind || "";
      label.append(span, input);
      return label;
    });
    if (!schema.properties) {
      const label = document.createElement("label"), span = document.createElement("span"), input = document.createElement("input");
      span.textContent = "data"; input.placeholder = '{"name": "value"}'; input.dataset.kind = "object"; input.name = "";
      label.append(span, input);
      rows.push(label);
    }
    this.$("data").replaceChildren(...rows);
  }

  async happen() {
    try {
      let data = {};
      for (const input of this.$("data").querySelectorAll("input")) {
        const value = input.value.trim(), kind = input.dataset.kind;
        if (!value) continue;
        if (!input.name) data = JSON.parse(value);
        else data[input.name] = ["integer", "number"].includes(kind) && value === String(Number(value)) ? Number(value) : kind === "boolean" ? ["yes", "true", "1"].includes(value.toLowerCase()) : value;
      }
      await post("/phone/event", { number: this.number, line: this.line, name: this.$("event").value, data });
      this.complain(null);
    } catch (error) { this.complain(error instanceof SyntaxError ? new Error('The data are JSON: {"name": "value"}') : error); return; }
    draw();
  }

  picture(view) {
    const shown = view.run && view.run.flow, box = this.$("picture"), image = box.querySelector("img");
    box.hidden = !shown;
    if (!shown) return;
    const asked = "/phone/graph?" + new URLSearchParams({ line: view.line, flow: view.run.place, step: view.run.step });
    if (image.getAttribute("src") === asked) return;
    image.src = asked;
    image.alt = `The flow ${view.run.place}` + (view.run.step ? `; this phone stands at ${view.run.step}` : "");
  }

  // Nodes are kept, so that a screen reader says each text once.
  thread(entries) {
    const list = this.$("thread"), known = new Map([...list.children].map((li) => [li.dataset.id, li])), before = list.children.length;
    for (const entry of entries) {
      let li = known.get(entry.id);
      if (!li) {
        li = list.appendChild(document.createElement("li"));
        li.dataset.id = entry.id;
        if (entry.media) {
          const link = document.createElement("a");
          link.href = entry.media; link.rel = "noreferrer"; link.textContent = "Picture";
          li.append(link, entry.text ? " " : "");
        }
        li.append(entry.text, document.createElement("small"));
      }
      known.delete(entry.id);
      const at = Date.parse(entry.at) / 1000, parts = entry.parts > 1 ? ` · ${entry.parts} SMS` : "";
      const said = `${clock(at, Math.abs(now - at) > 43200, this.zone)} ${TICKS[entry.status] || entry.status}${parts}`;
      if (li.lastChild.textContent !== said) li.lastChild.textContent = said;
      const waits = entry.direction === "out" && ["accepted", "sent"].includes(entry.status);
      li.className = `${entry.direction} ${entry.status}${waits ? " waiting" : ""}`;
    }
    for (const gone of known.values()) gone.remove();
    if (list.children.length !== before) this.$("log").scrollTop = this.$("log").scrollHeight;
  }

  stand(run) {
    this.run = run;
    this.$("step").textContent = !run ? "No conversation yet" : run.step ? `${run.place} › ${run.step}` : `${run.place} ended: ${run.end}`;
    const end = run && !run.step ? run.end : "";
    this.$("step").classList.toggle("ended", Boolean(end) && !LEFT.has(end) && !BROKEN.has(end));
    this.$("step").classList.toggle("left", LEFT.has(end));
    this.$("step").classList.toggle("broken", BROKEN.has(end));
    this.$("step").classList.toggle("none", !run);
    this.$("at").textContent = run ? run.at : "";
    const list = this.$("vars"), rows = [];
    for (const [name, value] of Object.entries(run ? run.variables : {})) {
      const dt = document.createElement("dt"), dd = document.createElement("dd");
      dt.textContent = name;
      dd.textContent = typeof value === "object" ? JSON.stringify(value) : String(value);
      rows.push(dt, dd);
    }
    list.replaceChildren(...rows);
    this.tick();
  }

  // What waits beside it, and goes on at its time.
  beside(waits) {
    this.$("waits").hidden = !waits.length;
    this.$("waits").textContent = waits.length ? "Beside it " + waits.map(([by, at]) => `${by} goes on ${span(at - time())}`).join(", ") : "";
  }

  words(list, words) {
    const said = words.join("\n");
    if (list.dataset.said === said) return;
    list.dataset.said = said;
    list.replaceChildren(...words.map((word) => {
      const li = document.createElement("li"), button = document.createElement("button");
      button.type = "button"; button.className = "quiet"; button.textContent = word;
      button.addEventListener("click", () => { this.$("text").value = word; this.send(); this.$("text").focus({ preventScroll: true }); });
      li.append(button);
      return li;
    }));
  }

  tick() {
    this.beside((this.run && this.run.waits) || []);
    const due = this.run && this.run.due;
    this.$("next").hidden = !due;
    if (due) this.$("next").firstElementChild.textContent = `${this.run.due_what} ${span(due - time())}`;
  }
}

const time = () => now + (Date.now() - drawn) / 1000;

async function jump(body) {
  complain(null);
  try { await post("/sandbox/clock", body); } catch (error) { complain(error); }
  draw();
}

// One question at a time for all phones; a change meanwhile asks once more.
async function draw() {
  if (busy) { again = true; return; }
  busy = true;
  try {
    const asked = phones.map((p) => ({ number: p.number, line: p.line }));
    const shown = [...phones], answer = await post("/phone/view", { phones: asked });
    now = answer.now; drawn = Date.now();
    answer.phones.forEach((view, i) => { if (shown[i].number === asked[i].number && shown[i].line === asked[i].line) shown[i].show(view, phones.indexOf(shown[i])); });
    complain(null);
  } catch (error) { complain(error); }
  busy = false;
  tick();
  if (again) { again = false; draw(); }
}

function tick() {
  document.getElementById("now").textContent = clock(time(), true, phones[0]?.zone);
  for (const phone of phones) phone.tick();
}

function remember() {
  const wanted = phones.map((p) => `${p.number}@${p.line}`).join(",");
  history.replaceState(null, "", "#" + wanted);
  document.getElementById("add").disabled = phones.length >= Number(box.dataset.most);
  for (const p of phones) p.$("remove").hidden = phones.length === 1;
  box.classList.toggle("one", phones.length === 1);
}

function add(number, line) {
  if (phones.length >= Number(box.dataset.most)) return null;
  const taken = new Set(phones.map((p) => p.number));
  let free = FIRST;
  while (taken.has("+" + free)) free += 100;
  const phone = new Phone(number || "+" + free, line || (phones.length ? phones[phones.length - 1].line : ""));
  phones.push(phone);
  box.append(phone.root);
  remember();
  return phone;
}

function remove(phone) {
  phones.splice(phones.indexOf(phone), 1);
  phone.root.remove();
  remember();
  phones[0].$("text").focus();
  draw();
}

for (const button of document.querySelectorAll(".jump")) button.addEventListener("click", () => jump({ advance: button.dataset.advance }));
document.getElementById("add").addEventListener("click", () => { const phone = add(); if (phone) { phone.$("text").focus(); draw(); } });
document.addEventListener("keydown", (event) => {
  const n = Number(event.key);
  if (event.altKey && n >= 1 && n <= phones.length) { phones[n - 1].$("text").focus(); event.preventDefault(); }
});
for (const item of decodeURIComponent(location.hash.slice(1)).split(",").filter(Boolean)) {
  const [number, line] = item.split("@");
  add(number, line);
}
if (!phones.length) add();
phones[0].$("text").focus({ preventScroll: true });
smsbotLive((event) => { if (event.kind === "changed" || (event.kind === "state" && event.open)) draw(); });
setInterval(tick, 1000);
draw();
