// One phone: its thread, ticks, and what it types. All text is set as text, never as markup.
"use strict";
const $ = (id) => document.getElementById(id);
const ticks = { queued: "…", accepted: "✓ accepted", sent: "✓ sent", delivered: "✓✓ delivered", undelivered: "✕ undelivered", expired: "⌛ expired", failed: "✕ failed", received: "✓✓", };
let waiting = 0;

const address = () => "/sandbox/phones/" + encodeURIComponent($("me").value.trim());

async function ask(path, method, body) {
  const answer = await fetch(path, method ? { method, body: JSON.stringify(body), headers: { "Content-Type": "application/json" } } : {});
  const isJson = (answer.headers.get("content-type") || "").startsWith("application/json");
  const content = isJson ? await answer.json() : {};
  if (!answer.ok) throw new Error(content.error || "HTTP " + answer.status);
  return content;
}

function complain(error) {
  $("trouble").hidden = !error;
  $("trouble").textContent = error ? error.message : "";
}

function bubble(entry) {
  const li = document.createElement("li");
  li.dataset.id = entry.id;
  li.append(entry.text, document.createElement("small"));
  return li;
}

function mark(li, entry) {
  const at = new Date(entry.at), today = at.toDateString() === new Date().toDateString();
  const clock = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const time = today ? clock : at.toLocaleDateString([], { day: "numeric", month: "short" }) + " " + clock;
  const said = time + "  " + (ticks[entry.status] || entry.status) + (entry.parts > 1 ? "  " + entry.parts + " SMS" : "");
  if (li.lastChild.textContent !== said) li.lastChild.textContent = said;
  const waits = entry.direction === "out" && ["accepted", "sent"].includes(entry.status);
  li.className = entry.direction + (waits ? " waiting" : "");
}

// Nodes are kept, so that a screen reader says each text once.
function show(thread) {
  const list = $("thread"), known = new Map([...list.children].map((li) => [li.dataset.id, li]));
  const before = list.children.length;
  for (const entry of thread) {
    const li = known.get(entry.id) || list.appendChild(bubble(entry));
    known.delete(entry.id);
    mark(li, entry);
  }
  for (const gone of known.values()) gone.remove();
  if (list.children.length !== before) list.scrollTop = list.scrollHeight;
}

async function draw() {
  let thread;
  try {
    thread = (await ask(address() + "/texts")).filter((e) => e.line === $("line").value);
    complain(null);
  } catch (error) { complain(error); return; }
  show(thread);
  const last = thread[thread.length - 1];
  $("typing").hidden = !(last && last.direction === "in" && Date.now() < waiting);
  $("hint").hidden = thread.length > 0;
}

$("compose").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = $("text").value;
  if (!text.trim()) return;
  $("text").value = "";
  waiting = Date.now() + 5000;
  $("typing").hidden = false;
  setTimeout(() => { $("typing").hidden = true; }, 5000);
  try { await ask(address() + "/texts", "POST", { text, to: $("line").value }); }
  catch (error) { complain(error); $("text").value = text; }
  draw();
});

$("mode").addEventListener("change", () => ask(address(), "PATCH", { mode: $("mode").value }).then(draw, complain));
$("line").addEventListener("change", draw);
$("me").addEventListener("change", load);
for (const button of document.querySelectorAll(".jump")) {
  button.addEventListener("click", async () => {
    $("clock").textContent = "…";
    try {
      const moved = await ask("/sandbox/clock", "POST", { advance: button.dataset.advance });
      $("clock").textContent = "now " + new Date(moved.now * 1000).toLocaleString([], { weekday: "short", hour: "2-digit", minute: "2-digit" });
    } catch (error) { complain(error); }
    draw();
  });
}

async function load() {
  try { $("mode").value = (await ask(address())).mode; } catch (error) { complain(error); }
  draw();
}
new EventSource("/live").addEventListener("changed", draw);
load();
