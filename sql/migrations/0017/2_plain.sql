-- Partitions are made as blocks come, and belong to the owner; rollups are updated as blocks are committed. Both with the
-- owner's rights, so that who commits blocks needs none on rollups, and all partitions have one owner.

ALTER FUNCTION txhub_rollup.make_room SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION txhub_rollup.after_copy SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION txhub_rollup.recompute SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION txhub_rollup.add_hours SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION txhub_rollup.recompute_hours SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
