// What a page can do beyond HTML: copy, remember the theme, search while typing. Every page works without it.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("script");

  // The theme. It is set before the page is drawn, because this script is loaded in the head.
  const kept = (() => { try { return localStorage.getItem("theme"); } catch { return null; } })();
  if (kept === "light" || kept === "dark") root.dataset.theme = kept;
  const isDark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";

  function toggleTheme() {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* the choice holds for this page */ }
    announce(isDark() ? "Dark theme" : "Light theme");
  }

  // What changes without a new page is said to screen readers.
  function announce(text) {
    const live = document.getElementById("live");
    if (live) live.textContent = text;
  }

  async function copy(button) {
    const text = button.dataset.copy ?? button.closest(".copyable").querySelector("code, pre").textContent;
    const label = button.textContent;
    let done = "Copied";
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      done = copyBySelection(text) ? "Copied" : "Failed"; // no clipboard outside of secure contexts
    }
    button.textContent = done;
    announce(done);
    setTimeout(() => { button.textContent = label; }, 1600);
  }

  function copyBySelection(text) {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "hidden";
    document.body.append(area);
    area.select();
    const ok = document.execCommand("copy");
    area.remove();
    return ok;
  }

  // Search while typing: the page that the form would lead to is fetched, and its results put in place.
  let asked = 0;
  async function liveSearch(form) {
    const ticket = ++asked;
    const url = form.action + "?" + new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
    let page;
    try {
      const answer = await fetch(url, { headers: { Accept: "text/html" } });
      if (!answer.ok) return;
      page = new DOMParser().parseFromString(await answer.text(), "text/html");
    } catch {
      return; // the form still works
    }
    const fresh = page.getElementById("results");
    if (ticket !== asked || !fresh) return;
    document.getElementById("results").replaceWith(fresh);
    for (const count of page.querySelectorAll("[data-facet]")) {
      const here = document.querySelector(`[data-facet="${CSS.escape(count.dataset.facet)}"]`);
      if (here) here.textContent = count.textContent;
    }
    history.replaceState(null, "", url);
    announce(page.getElementById("total")?.textContent ?? "");
  }

  addEventListener("DOMContentLoaded", () => {
    const theme = document.getElementById("theme");
    if (theme) theme.addEventListener("click", toggleTheme);
    document.addEventListener("click", (event) => {
      const button = event.target.closest("button.copy");
      if (button) copy(button);
    });
    const form = document.querySelector("form[data-live]");
    if (!form) return;
    let pause;
    form.addEventListener("input", () => {
      clearTimeout(pause);
      pause = setTimeout(liveSearch, 200, form);
    });
  });
})();
