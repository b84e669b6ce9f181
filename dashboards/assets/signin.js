/* A key is exchanged for a session's cookie, which this script cannot read. */

(() => {
  const form = document.getElementById("signin");
  if (!form) return; // every page of the dashboard loads all scripts

  const chosen = localStorage.getItem("mantine-color-scheme-value");
  const dark = chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.mantineColorScheme = dark ? "dark" : "light";

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const refusal = document.getElementById("refusal");
    refusal.textContent = "";
    try {
      const answer = await fetch("/v1/session", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ key: form.elements.key.value.trim() }),
      });
      if (answer.ok) return location.assign("/");
      refusal.textContent = (await answer.json()).detail;
    } catch {
      refusal.textContent = "The server does not answer.";
    }
  });
})();
