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
