/* Listens for news (GET /live) and hands them to the page's callbacks.
 *
 * News that come while the page still reads are merged, so a slow page falls behind in nothing: it
 * always catches up with one more reading. A page in the background does not listen at all; it
 * reads everything once when it is looked at again, as it does after the server was lost.
 */
(function () {
  "use strict";

  const SILENCE = 25000; // ms: the server beats every 10 s, so two beats were missed
  const PATIENCE = 10000; // ms until a page that never says what it shows is told again
  const EVERYTHING = { chains: [], start: null, end: null };

  let source = null;
  let lastHeard = 0;
  let waiting = null; // news that the page was not told yet
  let toldAt = 0; // when the page was told last, or 0 once it shows that
  let started = false;

  const set = (id, props) => window.dash_clientside.set_props(id, props);
  const earliest = (a, b) => (!a || (b && b < a) ? b : a);
  const latest = (a, b) => (!a || (b && b > a) ? b : a);

  function merged(one, other) {
    if (!one) return other;
    if (!one.chains.length || !other.chains.length) return EVERYTHING;
    return {
      chains: [...new Set([...one.chains, ...other.chains])],
      start: earliest(one.start, other.start),
      end: latest(one.end, other.end),
    };
  }

  function tell(news) {
    waiting = merged(waiting, news);
    if (toldAt && Date.now() - toldAt < PATIENCE) return;
    toldAt = Date.now();
    set("live-news", { data: { ...waiting, told: toldAt } });
    waiting = null;
  }

  function show(className, text, title) {
    set("live-link", { className: "link " + className, children: text, title: title });
  }

  function lost() {
    show("lost", "Reconnecting…", "The server does not answer. This page goes on by itself when it does.");
    if (source) source.close();
    source = null;
    window.setTimeout(listen, 1000);
  }

  function listen() {
    if (source || document.hidden) return;
    const mine = new EventSource("live");
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
      heard((link) => {
        if (link.up) show("on", "Live", "Every new block appears here within a second");
        else show("lost", "Reconnecting…", link.reason);
        if (link.up || first) tell(EVERYTHING);
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
    if (source && Date.now() - lastHeard > SILENCE) lost();
    if (waiting && Date.now() - toldAt > PATIENCE) tell(waiting);
  }

  function start() {
    if (!started) {
      started = true;
      listen();
      window.setInterval(tick, 500);
      new MutationObserver(tellAges).observe(document.body, { childList: true, subtree: true });
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

  function shown(told) {
    if (told && told.told === toldAt) toldAt = 0;
    if (waiting && !toldAt) {
      const news = waiting;
      waiting = null;
      tell(news);
    }
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, { live: { start, shown } });
})();
