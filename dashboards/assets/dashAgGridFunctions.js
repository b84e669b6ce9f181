/* Functions that grids call by name. */
(function () {
  "use strict";

  const functions = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});

  /* On a phone: when and how much; the rest comes back with the room for it. */
  functions.fitColumns = function (params) {
    params.api.setColumnsVisible(["kind", "to"], params.clientWidth > 800);
    params.api.setColumnsVisible(["chain", "from", "hash"], params.clientWidth > 560);
  };
})();
