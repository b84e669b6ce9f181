/* The light overview: fetches its content anew when there are news, at most every few seconds, and counts ages. */
(function () {
  "use strict";

  if (!document.getElementById("light")) return; // every page of the dashboard loads all scripts

  const PACE = 5000; // ms
  const chosen = localStorage.getItem("mantine-color-scheme-value");
  const dark = chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.mantineColorScheme = dark ? "dark" : "light";

  const link = document.getElementById("light-link");
  let fetched = Date.now();
  let wanted = false;

  async function renew() {
    if (!wanted || document.hidden || Date.now() - fetched < PACE) return;
    wanted = false;
    fetched = Date.now();
    try {
      const answer = await fetch("/light/content" + location.search);
      if (answer.ok) document.getElementById("light-content").innerHTML = await answer.text();
    } catch {
      wanted = true;
    }
  }

  function count() {
    for (const element of document.querySelectorAll("[data-age]")) {
      const seconds = Math.max(0, Math.round((Date.now() - Date.parse(element.dataset.age)) / 1000));
      element.textContent =
        seconds < 60
          ? seconds + " s ago"
          : seconds < 3600
            ? Math.floor(seconds / 60) + " min ago"
            : Math.floor(seconds / 3600) + " h ago";
    }
    renew();
  }

  const source = new EventSource("/live");
  source.addEventListener("news", () => (wanted = true));
  source.addEventListener("link", (event) => (link.textContent = JSON.parse(event.data).up ? "Live" : "Reconnecting…"));
  source.onerror = () => (link.textContent = "Reconnecting…");
  window.setInterval(count, 1000);
  count();
})();
