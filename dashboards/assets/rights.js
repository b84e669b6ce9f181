/* What the reader may change. A fieldset with `data-needs` is for those of a role; where whoever is signed in has a
 * lesser one, the browser disables all that stands in it, and it says why. It is a courtesy: the API decides.
 */
(function () {
  "use strict";

  const ROLES = ["viewer", "analyst", "admin"]; // each may do all that those before it may
  const page = document.getElementById("react-entry-point");
  if (!page) return; // every page of the dashboard loads all scripts

  function hold(role) {
    for (const fields of document.querySelectorAll("fieldset[data-needs]:not(:disabled)")) {
      const needed = fields.dataset.needs;
      if (ROLES.indexOf(role) >= ROLES.indexOf(needed)) continue;
      fields.disabled = true;
      fields.dataset.why = fields.title = "This needs a key of the role " + needed + ", and yours is " + role + ".";
    }
  }

  async function learn() {
    const answer = await fetch("/v1/session");
    if (!answer.ok) return; // whoever is not let in is refused what they ask for, and told so
    const role = (await answer.json()).role;
    if (role === ROLES.at(-1)) return;
    hold(role);
    new MutationObserver(() => hold(role)).observe(page, { childList: true, subtree: true });
  }

  learn().catch(() => {}); // a server that is away changes nothing either
})();
