/* Names at the two sides of a band chart. A phone has no room for long ones, and they would run into one another in the
 * middle: there each is cut to what half of the chart holds. A touch of a band tells both in full. */
(function () {
  "use strict";

  const PHONE = window.matchMedia("(max-width: 760px)");
  const MOST = 20; // letters

  function shorten() {
    if (!PHONE.matches) return;
    for (const label of document.querySelectorAll(".node-label")) {
      const name = label.textContent;
      if (name.length > MOST) label.textContent = name.slice(0, MOST - 1).trimEnd() + "…";
    }
  }

  /* Plotly writes the names anew whenever it draws. */
  new MutationObserver(shorten).observe(document.documentElement, { childList: true, subtree: true });
})();
