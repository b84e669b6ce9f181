/* Functions that grids call by name. */
(function () {
  "use strict";

  const functions = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});

  /* Where there is little room: only the columns that a row is read by; the rest comes back with the room for it. */
  functions.fitColumns = function (params) {
    for (const column of params.api.getColumns() || []) {
      const from = (column.getColDef().context || {}).fromWidth || 0;
      params.api.setColumnsVisible([column.getColId()], params.clientWidth >= from);
    }
  };
})();
