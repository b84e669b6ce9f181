/* Keys of the search box: `/` goes there, down and up walk through what was found, Enter opens the first of it, Escape
 * closes. What is found disappears when one goes elsewhere. */
(function () {
  "use strict";

  const box = () => document.getElementById("search-box");
  const found = () => document.getElementById("search-found");
  const hits = () => [...document.querySelectorAll("#search-found a.hit")];

  let eager = false; // Enter was pressed before anything was found

  function close() {
    if (found()) found().classList.add("closed");
    eager = false;
  }

  function open() {
    if (found()) found().classList.remove("closed");
  }

  document.addEventListener("focusin", (event) => {
    if (event.target === box()) open();
    else if (found() && !found().contains(event.target)) close();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest && event.target.closest("#search-found a")) close();
  });

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest && event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && box()) {
      event.preventDefault();
      box().focus();
      box().select();
      return;
    }
    if (!event.target.closest || !event.target.closest(".search")) return;
    const all = hits();
    const place = all.indexOf(document.activeElement);
    if (event.key === "Escape") {
      box().focus();
      close();
    } else if (event.key === "ArrowDown" && all.length) {
      event.preventDefault();
      all[Math.min(place + 1, all.length - 1)].focus();
    } else if (event.key === "ArrowUp" && place >= 0) {
      event.preventDefault();
      (place ? all[place - 1] : box()).focus();
    } else if (event.key === "Enter" && event.target === box()) {
      if (all.length && box().dataset.asked === box().value) all[0].click();
      else eager = true;
    } else if (event.target === box()) {
      open();
    }
  });

  function arrived(children, asked) {
    const input = box();
    if (input) input.dataset.asked = asked || "";
    if (eager) window.setTimeout(() => eager && hits().length && hits()[0].click(), 60);
    return window.dash_clientside.no_update;
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, { search: { arrived } });
})();
