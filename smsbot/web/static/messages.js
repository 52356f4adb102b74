// Fetches the rows again whenever the server says that something changed.
"use strict";
const feed = document.getElementById("feed");
const live = document.getElementById("live");
let pending = false, again = false, held = false;

// The list has a fragment of its own; the page of one message is asked for again whole.
async function look() {
  if (feed.dataset.asked === undefined) {
    const answer = await fetch(location.pathname);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return answer.ok ? page.getElementById("feed").innerHTML : null;
  }
  const answer = await fetch("/feed", { method: "POST", body: new URLSearchParams({ number: feed.dataset.asked }) });
  return answer.ok ? answer.text() : null;
}

async function refresh() {
  if (pending) { again = true; return; }
  pending = true;
  try {
    if (feed.contains(document.activeElement)) { held = true; return; }
    const html = await look();
    if (html !== null && html !== feed.innerHTML) feed.innerHTML = html;
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
  smsbotLive((event) => {
    if (event.kind === "changed") refresh();
    if (event.kind === "state") live.textContent = event.open ? "Live: this page follows as messages come and go." : "Connection lost; trying again…";
  });
}
