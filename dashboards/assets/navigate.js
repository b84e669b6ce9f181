/* From page to page without loading anew; and small things that work on every page: copying, the menu, the zone.
 *
 * A link with `data-page` leads to a page of the dashboard. Unless it has a query of its own, it takes
 * the filters of the present one along, so that a view stays when one goes from page to page.
 */
(function () {
  "use strict";

  const FILTERS = ["range", "chain", "kind", "from", "to", "min", "max"];
  const clientside = (window.dash_clientside = window.dash_clientside || {});
  const unchanged = () => window.dash_clientside.no_update;

  function filters() {
    const parts = window.location.search.slice(1).split("&");
    return parts.filter((part) => FILTERS.includes(part.split("=")[0])).join("&");
  }

  function filtered(path) {
    const query = filters();
    return query ? path + "?" + query : path;
  }

  /* The address of a link as of now: it may be opened in another tab, or copied. */
  function resolve(event) {
    const anchor = event.target.closest && event.target.closest("a[data-page]");
    if (!anchor) return null;
    const plain = anchor.dataset.plain || anchor.getAttribute("href");
    if (!plain.includes("?")) {
      anchor.dataset.plain = plain;
      anchor.setAttribute("href", filtered(plain));
    }
    return anchor;
  }

  function go(href) {
    window.history.pushState({}, "", href);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    window.scrollTo(0, 0);
  }

  let moved = false; // whether a person has gone to another page since this one was loaded

  /* To another page, as a link to it would. */
  function lead(path) {
    moved = true;
    go(filtered(path));
  }

  document.addEventListener("pointerdown", resolve, true);
  document.addEventListener("click", (event) => {
    const anchor = resolve(event);
    if (!anchor || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    moved = true;
    fold(false);
    go(anchor.getAttribute("href"));
  });

  /* On a phone a row of a grid leads where its first link does, wherever it is touched. */

  const phone = window.matchMedia("(max-width: 760px)");

  document.addEventListener("click", (event) => {
    if (!phone.matches || !event.target.closest || event.target.closest("a, button")) return;
    const row = event.target.closest(".grid .ag-row");
    const anchor = row && row.querySelector("a[data-page]");
    if (anchor && window.getSelection().isCollapsed) anchor.click();
  });

  /* The phone's menu, and its filters */

  function fold(open) {
    const button = document.getElementById("more-pages");
    if (button) button.setAttribute("aria-expanded", String(open));
  }

  const isOpen = (button) => button.getAttribute("aria-expanded") === "true";

  document.addEventListener("click", (event) => {
    const button = document.getElementById("more-pages");
    if (button) fold(button.contains(event.target) && !isOpen(button));
    const filters = document.getElementById("unfold-filters");
    if (filters && filters.contains(event.target)) filters.setAttribute("aria-expanded", String(!isOpen(filters)));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") fold(false);
  });

  function arrived(title, pathname) {
    if (!title) return unchanged();
    document.title = title + " · txhub";
    for (const link of document.querySelectorAll("#navigation a")) {
      const path = (link.dataset.plain || link.getAttribute("href")).split("?")[0];
      const here = pathname === path || (path !== "/" && pathname.startsWith(path + "/"));
      if (here) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    if (moved) {
      moved = false;
      document.getElementById("page-title").focus({ preventScroll: true });
    }
    return unchanged();
  }

  /* Copying */

  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("[data-copy]");
    if (!button) return;
    event.preventDefault();
    navigator.clipboard.writeText(button.dataset.copy).then(() => {
      button.classList.add("copied");
      window.setTimeout(() => button.classList.remove("copied"), 1200);
    });
  });

  /* Whose clocks: UTC or those of this machine */

  const own = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

  function toggle(clicks, chosen) {
    if (!clicks) return unchanged();
    return chosen && chosen !== "UTC" ? "UTC" : own();
  }

  function name(chosen) {
    if (!chosen || chosen === "UTC") return ["UTC", "Times are UTC. Switch to those of " + own(), "false"];
    const city = chosen.split("/").pop().replaceAll("_", " ");
    return [city, "Times are those of " + chosen + ". Switch to UTC", "true"];
  }

  /* Every part of the page is read again. */
  function busy() {
    for (const part of document.querySelectorAll(".part"))
      window.dash_clientside.set_props(part.id, { "aria-busy": "true" });
    return unchanged();
  }

  /* A page's own controls and the parameters of the address follow each other. */

  const CURSOR = "cursor"; // which page of a list is shown: another view begins with its first one

  const said = (search, parameter) => new URLSearchParams(search).get(parameter);

  function changed(search, parameter, value) {
    const kept = search.slice(1).split("&").filter((part) => part && ![parameter, CURSOR].includes(part.split("=")[0]));
    if (value) kept.push(parameter + "=" + encodeURIComponent(value).replaceAll("%2C", ",").replaceAll("%3A", ":"));
    return kept.length ? "?" + kept.join("&") : "";
  }

  /* A control that holds something else than it was shown with was changed just now, and is to be put into the address
   * first: Dash calls `choose` only after whatever may still change the address. */
  function show(search, parameter, standard, held, shown) {
    const value = said(search, parameter) || standard;
    const changedNow = shown !== undefined && held !== shown && held !== value;
    return changedNow ? [unchanged(), unchanged()] : [value, value];
  }

  function choose(chosen, search, parameter, standard) {
    const value = chosen || standard;
    if (value === (said(search, parameter) || standard)) return unchanged();
    return changed(search, parameter, value === standard ? "" : value);
  }

  /* A graph grows around one more address; around more than eight nobody can read it. */
  function grow(node, search) {
    const centres = (said(search, "around") || "").split(",").filter(Boolean);
    if (!node || centres.includes(node.id) || centres.length >= 8) return unchanged();
    return changed(search, "around", [...centres, node.id].join(","));
  }

  Object.assign(clientside, {
    navigate: { arrived, lead },
    view: { busy, show, choose, grow },
    zone: { toggle, name },
  });
})();
