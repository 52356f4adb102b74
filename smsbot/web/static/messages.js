// Fetches the rows again whenever the server says that something changed.
"use strict";
const feed = document.getElementById("feed");
const live = document.getElementById("live");
let pending = false, again = false, held = false;

// What was asked for has a fragment of its own; the page of one message or person is asked for again whole.
async function look() {
  if (location.pathname !== "/") {
    const answer = await fetch(location.pathname);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return answer.ok ? page.getElementById("feed").innerHTML : null;
  }
  const answer = await fetch("/feed", { method: "POST", body: new URLSearchParams({ q: feed.dataset.asked }) });
  return answer.ok ? answer.text() : null;
}

// Whether somebody is inside: what they typed or opened must not be taken from under them.
const used = () => feed.contains(document.activeElement) || feed.querySelector("details.act[open]") !== null;

async function refresh() {
  if (pending) { again = true; return; }
  pending = true;
  try {
    const html = used() ? null : await look();
    held = used();
    if (!held && html !== null && html !== feed.innerHTML) feed.innerHTML = html;
  } finally {
    pending = false;
    if (again) { again = false; setTimeout(refresh, 200); }
  }
}

// A page of older messages stays as it is.
if (feed.hasAttribute("data-fixed")) {
  live.textContent = "Older messages: as they were";
} else {
  // While somebody is inside the list it stands still, and follows once they have left.
  const left = () => setTimeout(() => { if (held) refresh(); });
  feed.addEventListener("focusout", left);
  feed.addEventListener("toggle", left, true);
  smsbotLive((event) => {
    if (event.kind === "changed") refresh();
    if (event.kind === "state") live.textContent = event.open ? "Live" : "Connection lost; trying again…";
  });
}
