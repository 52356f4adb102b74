// Fetches the rows again whenever the server says that something changed.
"use strict";
const feed = document.getElementById("feed");
const live = document.getElementById("live");
let pending = false, again = false, held = false;

async function refresh() {
  if (pending) { again = true; return; }
  pending = true;
  try {
    if (feed.contains(document.activeElement)) { held = true; return; }
    const answer = await fetch("/feed", { method: "POST", body: new URLSearchParams({ number: feed.dataset.asked }) });
    if (answer.ok) feed.innerHTML = await answer.text();
  } finally {
    pending = false;
    if (again) { again = false; setTimeout(refresh, 200); }
  }
}

// A page of older messages stays as it is.
if (feed.hasAttribute("data-fixed")) {
  live.textContent = "Older messages; this page stays as it is.";
} else {
  // While somebody is inside the list it stands still, and follows once they have left.
  feed.addEventListener("focusout", () => setTimeout(() => { if (held) { held = false; refresh(); } }));
  const events = new EventSource("/live");
  events.addEventListener("changed", refresh);
  events.onopen = () => { live.textContent = "Live: this list follows as messages come and go."; };
  events.onerror = () => { live.textContent = "Connection lost; trying again…"; };
}
