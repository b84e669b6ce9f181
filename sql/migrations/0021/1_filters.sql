-- Bloom filters of whole days: whether a hash or an address can be in a day at all, before one of its rows is looked at.
--
-- They are split block Bloom filters as Apache Parquet has them: a key belongs to one block of 32 bytes and sets one bit
-- in each of the block's eight words, so that a look at a filter of megabytes reads 32 bytes of it. Keys are hashes of
-- PostgreSQL's own, by which it also partitions tables: they stay the same from release to release.

CREATE TABLE txhub_rollup.day_filters (
    chain_id int NOT NULL,
    bucket timestamptz NOT NULL,
    hashes bytea NOT NULL,
    addresses bytea NOT NULL,
    PRIMARY KEY (chain_id, bucket)
);
-- Not compressed (they are random, and parts of them are read) and out of line.
ALTER TABLE txhub_rollup.day_filters
    ALTER COLUMN hashes SET STORAGE EXTERNAL,
    ALTER COLUMN addresses SET STORAGE EXTERNAL;
COMMENT ON TABLE txhub_rollup.day_filters IS
    'Bloom filters of the hashes and the addresses of each closed day, of transactions and of what they move.';

CREATE FUNCTION txhub_rollup.filter_key(value bytea) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN hashbyteaextended(value, 0);
COMMENT ON FUNCTION txhub_rollup.filter_key IS 'The 64 bits by which a hash or an address is in a filter.';

CREATE FUNCTION txhub_rollup.filter_block(filter bytea, key bigint) RETURNS bytea
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN substr(filter, 1 + 32 * ((((key >> 32) & 4294967295) * (octet_length(filter) / 32)) >> 32)::int, 32);
COMMENT ON FUNCTION txhub_rollup.filter_block IS
    'The block of a filter that a key belongs to: its upper 32 bits as a share of all blocks.';

-- The factors are Parquet's. Only 31 of the lower bits are taken, so that a product fits into a bigint.
CREATE FUNCTION txhub_rollup.is_in_block(block bytea, key bigint) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN get_bit(block, 0 + ((((key & 2147483647) * 1203114875) >> 27) & 31)) = 1
       AND get_bit(block, 32 + ((((key & 2147483647) * 1150766481) >> 27) & 31)) = 1
       AND get_bit(block, 64 + ((((key & 2147483647) * 2284105051) >> 27) & 31)) = 1
       AND get_bit(block, 96 + ((((key & 2147483647) * 2729912477) >> 27) & 31)) = 1
       AND get_bit(block, 128 + ((((key & 2147483647) * 1884591559) >> 27) & 31)) = 1
       AND get_bit(block, 160 + ((((key & 2147483647) * 770785867) >> 27) & 31)) = 1
       AND get_bit(block, 192 + ((((key & 2147483647) * 2667333959) >> 27) & 31)) = 1
       AND get_bit(block, 224 + ((((key & 2147483647) * 1550580529) >> 27) & 31)) = 1;
COMMENT ON FUNCTION txhub_rollup.is_in_block IS
    'Whether a key can be in its block: one bit of each of its eight words, see src/txhub/rollup/filters.py.';

-- A filter knows nothing of what was committed since it was made. That is told first in the outbox, then by an hour that
-- has to be closed again, then by the day; each is there before the one before it goes, so a filter is never believed
-- that misses a row.
CREATE VIEW txhub_rollup.standing_filters AS
WITH unread AS MATERIALIZED (
    SELECT DISTINCT e.chain_id, day
    FROM txhub.stream_events e
    CROSS JOIN LATERAL generate_series(
        date_trunc('day', least((e.data ->> 'start')::timestamptz, (e.data ->> 'time')::timestamptz), 'UTC'),
        greatest((e.data ->> 'end')::timestamptz, (e.data ->> 'time')::timestamptz),
        INTERVAL '1 day') AS day
    WHERE e.id > coalesce((SELECT event_id FROM txhub.cursors WHERE reader = 'rollup'), 0)
      AND e.event IN ('block', 'backfill', 'reorg')
), stale AS MATERIALIZED (
    SELECT chain_id, date_trunc('day', bucket, 'UTC') AS day FROM txhub_rollup.closed_hours WHERE stale
)
SELECT f.chain_id, f.bucket, f.hashes, f.addresses
FROM txhub_rollup.day_filters f
JOIN txhub_rollup.closed_days d USING (chain_id, bucket)
WHERE NOT d.stale
  AND NOT EXISTS (SELECT FROM unread u WHERE u.chain_id = f.chain_id AND u.day = f.bucket)
  AND NOT EXISTS (SELECT FROM stale s WHERE s.chain_id = f.chain_id AND s.day = f.bucket);
COMMENT ON VIEW txhub_rollup.standing_filters IS
    'The filters that know all rows of their day: what they do not let through is not there.';

-- By a loop and not by a join: each day is planned for by itself, and of thousands of chunks only its own are opened. With
-- its owner's rights, as analysts have none on what rollups are stored in.
CREATE FUNCTION txhub.transactions_with_hash(wanted bytea) RETURNS SETOF txhub.transactions
    LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    key CONSTANT bigint := txhub_rollup.filter_key(wanted);
    day timestamptz;
BEGIN
    FOR day IN
        WITH absent AS MATERIALIZED (
            SELECT f.chain_id, f.bucket
            FROM txhub_rollup.standing_filters f
            CROSS JOIN LATERAL (SELECT txhub_rollup.filter_block(f.hashes, key) AS block OFFSET 0) AS looked
            WHERE NOT txhub_rollup.is_in_block(block, key)
        )
        SELECT each
        FROM txhub.chains c
        CROSS JOIN LATERAL (SELECT min(time) AS first, max(time) AS last FROM txhub.blocks WHERE chain_id = c.chain_id) AS b
        CROSS JOIN LATERAL generate_series(date_trunc('day', b.first, 'UTC'), b.last, INTERVAL '1 day') AS each
        WHERE NOT EXISTS (SELECT FROM absent a WHERE a.chain_id = c.chain_id AND a.bucket = each)
        GROUP BY each
        ORDER BY each DESC
    LOOP
        RETURN QUERY
            SELECT * FROM txhub.transactions t
            WHERE t.hash = wanted AND t.block_time >= day AND t.block_time < day + INTERVAL '1 day';
    END LOOP;
END $$;
COMMENT ON FUNCTION txhub.transactions_with_hash IS
    'The transactions that have a hash, of any chain and day, the newest first: transactions_with_hash(txhub.hash(''0x…'')). Days whose filters rule it out are not read.';
