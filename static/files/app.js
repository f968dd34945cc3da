// Makes pages nicer; every page works without it.
// Adds a "Copy" button to values that people type into their bank.
"use strict";
(() => {
  if (!navigator.clipboard) return;
  const { copyLabel, copiedLabel } = document.body.dataset;
  for (const value of document.querySelectorAll("[data-copy]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button small";
    button.textContent = copyLabel;
    const term = value.closest(".copy")?.querySelector("dt");
    if (term) button.setAttribute("aria-label", `${copyLabel}: ${term.textContent.trim()}`);
    const said = document.createElement("span");
    said.className = "visually-hidden";
    said.setAttribute("role", "status");
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(value.dataset.copy);
      } catch {
        return; // refused by the browser: the text can still be selected
      }
      button.textContent = said.textContent = copiedLabel;
      setTimeout(() => {
        button.textContent = copyLabel;
        said.textContent = "";
      }, 2000);
    });
    value.after(button, said);
  }
})();
