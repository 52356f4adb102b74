// One event stream for all tabs of a browser: whoever holds the lock listens and tells the others.
"use strict";
const smsbotLive = (() => {
  const handlers = [], channel = "BroadcastChannel" in window ? new BroadcastChannel("smsbot-live") : null;
  let last = {};
  const heard = (event) => {
    last[event.kind] = event;
    for (const handler of handlers) handler(event);
  };
  const tell = (event) => { heard(event); if (channel) channel.postMessage(event); };
  const listen = () => new Promise(() => {
    const events = new EventSource(document.documentElement.dataset.prefix + "live");
    events.addEventListener("changed", () => tell({ kind: "changed" }));
    events.addEventListener("banner", (e) => tell({ kind: "banner", text: JSON.parse(e.data) }));
    events.onopen = () => tell({ kind: "state", open: true });
    events.onerror = () => tell({ kind: "state", open: false });
    if (channel) channel.onmessage = (e) => { if (e.data === "hello") for (const kind of Object.keys(last)) channel.postMessage(last[kind]); };
  });
  if (channel) {
    channel.onmessage = (e) => { if (e.data !== "hello") heard(e.data); };
    channel.postMessage("hello");
  }
  if (channel && navigator.locks) navigator.locks.request("smsbot-live", listen);
  else listen();
  const banner = document.getElementById("banner");
  let closed = "", shown = "";
  banner?.querySelector(".close").addEventListener("click", () => { closed = shown; banner.hidden = true; });
  handlers.push((event) => {
    if (event.kind !== "banner") return;
    banner.hidden = !event.text || event.text === closed;
    shown = event.text;
    banner.querySelector("pre").textContent = event.text;
  });
  return (handler) => {
    handlers.push(handler);
    for (const kind of Object.keys(last)) handler(last[kind]);
  };
})();
