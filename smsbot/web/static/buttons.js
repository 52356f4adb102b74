// Buttons that act on the page alone: copy something, put a ready answer where it can be changed before it is sent.
"use strict";
const smsbotSays = JSON.parse(document.documentElement.dataset.words);
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-fill], [data-copy]");
  if (!button) return;
  if (button.dataset.fill) {
    const box = document.getElementById(button.dataset.fill);
    box.value = button.dataset.text;
    box.focus();
    return;
  }
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
  const told = document.getElementById("live");
  if (told) told.textContent = smsbotSays.copied;
});

// Tells every four seconds that somebody types, and who else does.
let told = 0;
document.addEventListener("input", async (event) => {
  const form = event.target.closest("[data-writing]");
  if (!form || Date.now() - told < 4000) return;
  told = Date.now();
  const answer = await fetch(form.dataset.writing, { method: "POST" });
  const note = document.getElementById("writing");
  if (!answer.ok || !note) return;
  const { others } = await answer.json();
  note.hidden = others.length === 0;
  note.querySelector("b").textContent = others.join(", ");
});

// Times of day are made on the server by the clock of the lines; a reader elsewhere sees their own, and both on hover.
(() => {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (here === document.documentElement.dataset.zone) return;
  const speaks = { en: "en-GB" }[document.documentElement.lang] ?? document.documentElement.lang;
  const day = new Intl.DateTimeFormat(speaks, { day: "2-digit", month: "short" });
  const clock = new Intl.DateTimeFormat(speaks, { timeStyle: "medium" });
  const full = new Intl.DateTimeFormat(speaks, { dateStyle: "medium", timeStyle: "long" });
  const localise = () => {
    for (const time of document.querySelectorAll("time[datetime]")) {
      const moment = new Date(time.dateTime), shown = time.textContent;
      if (!/^(\d\d \p{L}{3} )?\d\d:\d\d:\d\d$/u.test(shown)) continue;
      const today = day.format(moment) === day.format(new Date());
      const words = (today ? "" : `${day.format(moment)} `) + clock.format(moment);
      if (shown !== words) time.textContent = words;
      if (!time.title.startsWith(full.format(moment))) time.title = `${full.format(moment)} · ${time.title}`;
    }
  };
  localise();
  new MutationObserver(localise).observe(document.body, { subtree: true, childList: true, characterData: true });
})();
