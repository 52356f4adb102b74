// One phone: its thread, ticks, and what it types. All text is set as text, never as markup.
"use strict";
const $ = (id) => document.getElementById(id);
const ticks = { queued: "…", accepted: "✓ accepted", sent: "✓ sent", delivered: "✓✓ delivered", undelivered: "✕ undelivered", expired: "⌛ expired", failed: "✕ failed", received: "✓✓", };
let drawn = "", waiting = 0;

const address = () => "/sandbox/phones/" + encodeURIComponent($("me").value.trim());

async function ask(path, method, body) {
  const answer = await fetch(path, method ? { method, body: JSON.stringify(body), headers: { "Content-Type": "application/json" } } : {});
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.error || "HTTP " + answer.status);
  return content;
}

function complain(error) {
  $("trouble").hidden = !error;
  $("trouble").textContent = error ? error.message : "";
}

function bubble(entry) {
  const li = document.createElement("li");
  li.className = entry.direction;
  li.append(entry.text);
  const small = document.createElement("small");
  const time = new Date(entry.at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  small.textContent = time + "  " + (ticks[entry.status] || entry.status) + (entry.parts > 1 ? "  " + entry.parts + " SMS" : "");
  li.append(small);
  if (entry.direction === "out" && ["accepted", "sent"].includes(entry.status)) li.classList.add("waiting");
  return li;
}

async function draw() {
  let thread;
  try {
    thread = (await ask(address() + "/texts")).filter((e) => e.line === $("line").value);
    complain(null);
  } catch (error) { complain(error); thread = []; }
  const now = JSON.stringify(thread);
  if (now === drawn) return;
  drawn = now;
  const last = thread[thread.length - 1];
  $("typing").hidden = !(last && last.direction === "in" && Date.now() < waiting);
  $("thread").replaceChildren(...thread.map(bubble));
  $("thread").scrollTop = $("thread").scrollHeight;
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
$("line").addEventListener("change", () => { drawn = ""; draw(); });
$("me").addEventListener("change", () => { drawn = ""; load(); });
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
