// The page works without this file. It loads sources when they are opened, looks for progress, and keeps a
// button from being pressed twice.
"use strict";

async function load(place, into) {
  const url = place.dataset.load;
  delete place.dataset.load;
  into.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(url, { headers: { "X-Fragment": "1" }, credentials: "same-origin" });
    if (answer.ok) {
      into.innerHTML = await answer.text(); // made by our server, which escapes every word of a chart
      watch(into);
    } else if (place.tagName === "DETAILS") {
      into.textContent = "This could not be loaded. Open the app from the chart again.";
    }
  } catch {
    place.dataset.load = url; // opened again, it is tried again
  }
  into.removeAttribute("aria-busy");
}

function watch(root) {
  for (const fold of root.querySelectorAll("details[data-load]")) {
    fold.addEventListener("toggle", () => {
      if (fold.open && fold.dataset.load) load(fold, fold.querySelector("div"));
    });
  }
}

function poll(body, wait) {
  setTimeout(async () => {
    try {
      const answer = await fetch(body.dataset.poll, { credentials: "same-origin" });
      // Signed out, a page about a patient does not stay on the screen.
      if (answer.status === 401 || (answer.ok && (await answer.json()).state !== body.dataset.state)) {
        location.reload();
        return;
      }
    } catch { /* tried again below */ }
    poll(body, Math.min(wait * 1.5, 10000));
  }, wait);
}

const MOVING = ["requested", "preparing", "approved", "writing", "written"];
watch(document);
for (const part of document.querySelectorAll("section[data-load]")) load(part, part);
if (MOVING.includes(document.body.dataset.state)) poll(document.body, 700);
for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", () => {
    for (const button of form.querySelectorAll("button[data-once]")) {
      setTimeout(() => { button.disabled = true; });
    }
  });
}
