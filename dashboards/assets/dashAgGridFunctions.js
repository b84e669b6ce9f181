/* Functions that grids call by name. */
(function () {
  "use strict";

  const functions = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});

  const NARROW = 560; // CSS pixels: a grid on a phone
  const ROW = 38;
  const TOUCHED_ROW = 46; // CSS pixels: a thumb finds these

  /* Where there is little room: only the columns that a row is read by, in rows that can be touched; the rest comes back
   * with the room for it. */
  functions.fitColumns = function (params) {
    const fits = (column) => params.clientWidth >= ((column.getColDef().context || {}).fromWidth || 0);
    const changed = (params.api.getColumns() || []).filter((column) => column.isVisible() !== fits(column));
    for (const visible of [true, false]) {
      const columns = changed.filter((column) => fits(column) === visible);
      if (columns.length) params.api.setColumnsVisible(columns, visible);
    }
    const height = params.clientWidth < NARROW ? TOUCHED_ROW : ROW;
    if (params.api.getGridOption("rowHeight") !== height) params.api.setGridOption("rowHeight", height);
  };
})();
