// Fetches the rows again whenever the server says that something changed.
"use strict";
const feed = document.getElementById("feed");
const search = document.getElementById("search");
const live = document.getElementById("live");
let pending = false, again = false;

async function refresh() {
  if (pending) { again = true; return; }
  pending = true;
  try {
    const answer = await fetch("/feed", { method: "POST", body: new FormData(search) });
    if (answer.ok && !feed.contains(document.activeElement)) feed.innerHTML = await answer.text();
  } finally {
    pending = false;
    if (again) { again = false; setTimeout(refresh, 200); }
  }
}

// A page of older messages stays as it is.
if (feed.hasAttribute("data-fixed")) {
  live.textContent = "Older messages; this page stays as it is.";
} else {
  const events = new EventSource("/live");
  events.addEventListener("changed", refresh);
  events.onopen = () => { live.textContent = "Live: this list follows as messages come and go."; };
  events.onerror = () => { live.textContent = "Connection lost; trying again…"; };
}
