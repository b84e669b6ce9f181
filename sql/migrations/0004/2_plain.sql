-- The plain edition: whole partitions go, those of all chains.

CREATE FUNCTION txhub_rollup.drop_raw(cut timestamptz) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    partition regclass;
BEGIN
    FOR partition IN
        SELECT i.inhrelid::regclass
        FROM pg_inherits i
        JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent IN (
                'txhub.transactions'::regclass, 'txhub.token_transfers'::regclass, 'txhub.utxo_io'::regclass)
          AND to_date(right(c.relname, 8), 'YYYYMMDD') < (cut AT TIME ZONE 'UTC')::date
        ORDER BY c.relname
    LOOP
        EXECUTE format('DROP TABLE %s', partition);
    END LOOP;
END $$;
