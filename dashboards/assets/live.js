/* Listens for news (GET /live) and hands them to the page's callbacks.
 *
 * News that come while the page still reads are merged, so a slow page falls behind in nothing: it
 * always catches up with one more reading. A page in the background does not listen at all; it
 * reads everything once when it is looked at again, as it does after the server was lost. A page that is
 * paused keeps listening, but its news wait until it goes on.
 */
(function () {
  "use strict";

  const SILENCE = 25000; // ms: the server beats every 10 s, so two beats were missed
  const PATIENCE = 10000; // ms until a page that still reads is told again
  const EVERYTHING = { chains: [], start: null, end: null, alerts: false };

  let source = null;
  let lastHeard = 0;
  let waiting = null; // news that the page was not told yet
  let toldAt = 0; // when the page was told last, or 0 before
  let started = false; // whether there is a page to tell: what is heard before is kept
  let paused = false;
  let link = ["waiting", "Connecting…", ""]; // what the button says while nothing is paused

  const set = (id, props) => window.dash_clientside.set_props(id, props);
  const earliest = (a, b) => (!a || (b && b < a) ? b : a);
  const latest = (a, b) => (!a || (b && b > a) ? b : a);

  const isEverything = (news) => !news.chains.length && !news.alerts;

  function merged(one, other) {
    if (!one) return other;
    if (isEverything(one) || isEverything(other)) return EVERYTHING;
    return {
      chains: [...new Set([...one.chains, ...other.chains])],
      start: earliest(one.start, other.start),
      end: latest(one.end, other.end),
      alerts: one.alerts || other.alerts,
    };
  }

  function tell(news) {
    waiting = merged(waiting, news);
    if (paused) render();
    else flush();
  }

  /* Each part of a page says of which news it knows (`data-told`), and whether it reads. */
  function reading() {
    const parts = [...document.querySelectorAll(".part")];
    const reads = (part) => part.getAttribute("aria-busy") === "true" || Number(part.dataset.told) !== toldAt;
    return !parts.length || parts.some(reads);
  }

  function flush() {
    if (!started || !waiting || paused) return;
    if (toldAt && Date.now() - toldAt < PATIENCE && reading()) return;
    toldAt = Date.now();
    const data = { ...waiting, told: toldAt };
    waiting = null;
    set("live-news", { data: data });
  }

  function show(className, text, title) {
    link = [className, text, title];
    render();
  }

  function render() {
    if (!started) return;
    const resume = "The page stands still. Press to go on" + (waiting ? ": there is something new" : "");
    const held = paused && link[0] === "on";
    const [className, text, title] = held ? ["paused", waiting ? "Paused, news wait" : "Paused", resume] : link;
    set("live-link", { className: "live " + className, children: text, title: title, "aria-pressed": String(paused) });
    set("live-said", { children: text });
  }

  function pause() {
    paused = !paused;
    render();
    flush();
  }

  function lost() {
    show("lost", "Reconnecting…", "The server does not answer. This page goes on by itself when it does.");
    if (source) source.close();
    source = null;
    toldAt = 0; // whatever was being read, its answer is not to be waited for
    window.setTimeout(listen, 1000);
  }

  function listen() {
    if (source || document.hidden) return;
    const mine = new EventSource("/live");
    source = mine;
    lastHeard = Date.now();
    let first = true;
    const heard = (handle) => (event) => {
      lastHeard = Date.now();
      handle(JSON.parse(event.data));
    };
    mine.addEventListener("beat", heard(() => {}));
    mine.addEventListener("news", heard(tell));
    mine.addEventListener(
      "link",
      heard((state) => {
        if (state.up) show("on", "Live", "Every new block appears here within a second. Press to pause");
        else show("lost", "Reconnecting…", state.reason);
        if (state.up || first) tell(EVERYTHING);
        first = false;
      }),
    );
    mine.onerror = () => {
      if (source === mine) lost();
    };
  }

  function age(then) {
    const seconds = Math.max(0, Math.round((Date.now() - then) / 1000));
    if (seconds < 60) return seconds + " s ago";
    if (seconds < 3600) return Math.floor(seconds / 60) + " min ago";
    if (seconds < 172800) return Math.floor(seconds / 3600) + " h ago";
    return Math.floor(seconds / 86400) + " d ago";
  }

  function tellAges() {
    for (const element of document.querySelectorAll("[data-age]")) {
      const text = age(Date.parse(element.dataset.age));
      if (element.textContent !== text) element.textContent = text;
    }
  }

  function tick() {
    tellAges();
    flush();
    if (source && Date.now() - lastHeard > SILENCE) lost();
  }

  function start() {
    if (!started) {
      started = true;
      render();
      flush();
      document.getElementById("live-link").addEventListener("click", pause);
      window.setInterval(tick, 500);
      new MutationObserver(() => {
        tellAges();
        flush();
      }).observe(document.body, {
        childList: true,
        subtree: true,
        attributeFilter: ["data-told", "aria-busy"],
      });
      document.addEventListener("visibilitychange", () => {
        if (!document.hidden) listen();
        else if (source) {
          source.close();
          source = null;
        }
      });
    }
    return window.dash_clientside.no_update;
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, { live: { start } });
  listen(); // while the page is still being made
})();
