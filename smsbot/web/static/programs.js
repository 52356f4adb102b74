// Shows the code of the chosen task and language; what was chosen last is kept in the browser.
const task = document.getElementById("task");
const language = document.getElementById("language");

function show() {
  for (const each of document.querySelectorAll(".snippet")) {
    each.hidden = each.dataset.task !== task.value || each.dataset.language !== language.value;
  }
  try { localStorage.setItem("smsbot-language", language.value); } catch { /* a browser that keeps nothing */ }
}

if (task && language) {
  try { language.value = localStorage.getItem("smsbot-language") || language.value; } catch { /* as above */ }
  if (!language.value) language.selectedIndex = 0;
  task.addEventListener("change", show);
  language.addEventListener("change", show);
  show();
}
