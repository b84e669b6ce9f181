/* Keeps the shell (scripts, styles, icons) at hand, and says so where the server cannot be reached. Data are never kept:
 * what is not in the shell goes to the server as if this were not here. */
"use strict";

const SHELL = "txhub-shell-1";
const OFFLINE = "/offline";
const FILES = ["/_dash-component-suites/", "/assets/"];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(SHELL).then((shell) => shell.add(OFFLINE)));
  self.skipWaiting();
});

self.addEventListener("activate", (event) => {
  const old = (names) => names.filter((name) => name !== SHELL);
  event.waitUntil(caches.keys().then((names) => Promise.all(old(names).map((name) => caches.delete(name)))));
  self.clients.claim();
});

/* A file whose address does not change with what it holds is asked for again, and the kept one is for when that fails. */
async function file(request) {
  const shell = await caches.open(SHELL);
  const fixed = /[?.v_]m=?\d{9,}/.test(request.url);
  const kept = await shell.match(request);
  if (kept && fixed) return kept;
  try {
    const answer = await fetch(request);
    if (answer.ok && answer.status === 200) shell.put(request, answer.clone());
    return answer;
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
}

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.location.origin) return;
  if (FILES.some((prefix) => url.pathname.startsWith(prefix))) event.respondWith(file(event.request));
  else if (event.request.mode === "navigate")
    event.respondWith(fetch(event.request).catch(() => caches.match(OFFLINE)));
});
