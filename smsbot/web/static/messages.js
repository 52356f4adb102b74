// Fetches the rows again whenever the server says that something changed.
"use strict";
const feed = document.getElementById("feed");
const live = document.getElementById("live");
let pending = false, again = false;

// What changed is taken over in place, so that the focus, what is typed and what is open stay; of several changes at
// once the last is looked at. What was asked for has a fragment of its own, another page is asked for again whole.
async function refresh() {
  if (pending) { again = true; return; }
  pending = true;
  try {
    await (location.pathname === document.documentElement.dataset.prefix
      ? htmx.ajax("POST", document.documentElement.dataset.prefix + "feed", { source: feed, target: feed, swap: "innerMorph", values: { q: feed.dataset.asked } })
      : htmx.ajax("GET", feed.dataset.page || location.pathname, { source: feed, target: feed, select: "#feed", swap: "outerMorph" }));
  } finally {
    pending = false;
    if (again) { again = false; setTimeout(refresh, 200); }
  }
}

// A page of older messages stays as it is.
if (feed.hasAttribute("data-fixed")) {
  live.textContent = smsbotSays.older;
} else {
  smsbotLive((event) => {
    if (event.kind === "changed") refresh();
    if (event.kind === "state") live.textContent = event.open ? smsbotSays.live : smsbotSays.lost;
  });
}

// Whoever is signed out meanwhile is asked to sign in.
document.addEventListener("htmx:after:request", (event) => {
  if (event.detail.ctx.response?.status === 401) location.reload();
});
