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

  /* The phone's menu */

  function fold(open) {
    const button = document.getElementById("more-pages");
    if (button) button.setAttribute("aria-expanded", String(open));
  }

  document.addEventListener("click", (event) => {
    const button = document.getElementById("more-pages");
    if (button) fold(button.contains(event.target) && button.getAttribute("aria-expanded") !== "true");
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

  function choose(clicks, chosen) {
    if (!clicks) return unchanged();
    return chosen && chosen !== "UTC" ? "UTC" : own();
  }

  function name(chosen) {
    if (!chosen || chosen === "UTC") return ["UTC", "Times are UTC. Switch to those of " + own(), "false"];
    const city = chosen.split("/").pop().replaceAll("_", " ");
    return [city, "Times are those of " + chosen + ". Switch to UTC", "true"];
  }

  Object.assign(clientside, {
    navigate: { arrived, lead },
    view: { busy: () => "true" },
    zone: { choose, name },
  });
})();
