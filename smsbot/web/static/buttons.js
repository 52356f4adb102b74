// Buttons that act on the page alone: copy something, put a ready answer where it can be changed before it is sent.
"use strict";
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
  if (told) told.textContent = "Copied";
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
