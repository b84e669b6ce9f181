/* Lets the dashboard be installed; browsers know service workers on this machine and over HTTPS only. */
if ("serviceWorker" in navigator) navigator.serviceWorker.register("/sw.js").catch(() => {});
