-- The contract: what readers see of it, one text for both editions.

CREATE VIEW txhub.exposures_view AS
SELECT e.id,
       e.chain_id,
       c.name AS chain,
       e.block_number,
       e.block_time,
       e.tx_index,
       txhub.hash_text(e.hash, c.family) AS hash,
       txhub.address_text(e.address, c.family) AS address,
       w.name,
       w.category,
       w.source,
       w.listed_now,
       w.listed_then,
       e.direction,
       CASE WHEN e.via IS NULL THEN 0 ELSE 1 END AS hops,
       txhub.address_text(e.via, c.family) AS via,
       txhub.hash_text(e.link_hash, c.family) AS link_hash,
       e.link_time,
       ARRAY(SELECT txhub.address_text(party, c.family) FROM unnest(e.parties) AS party) AS parties,
       txhub.address_text(e.token_address, c.family) AS token_address,
       CASE WHEN e.token_address IS NULL THEN c.symbol ELSE t.symbol END AS symbol,
       txhub.to_native(e.amount, m.decimals) AS amount,
       e.amount AS amount_base,
       round(txhub.to_native(e.amount, m.decimals) * txhub.price(m.asset, e.block_time, INTERVAL '1 day'), 2) AS value_usd,
       e.failed,
       CASE WHEN w.listed_now IS NULL THEN w.ended END AS retracted_at,
       CASE WHEN w.listed_now IS NULL THEN coalesce(
           (SELECT n.source || ' ' || n.list_version || ' does not list it any more'
            FROM txhub.labels n
            WHERE n.source = w.source AND n.watched AND n.valid_from = w.ended
            LIMIT 1),
           'it was taken off ' || w.source) END AS reason,
       e.screening_id,
       e.found_at
FROM txhub.exposures e
JOIN txhub.chains c USING (chain_id)
LEFT JOIN txhub.tokens t ON t.chain_id = e.chain_id AND t.address = e.token_address
CROSS JOIN LATERAL (
    SELECT CASE WHEN e.token_address IS NULL THEN c.decimals ELSE t.decimals END AS decimals,
           CASE WHEN e.token_address IS NULL THEN c.symbol
                ELSE c.name || '/' || txhub.address_text(e.token_address, c.family) END AS asset
) AS m
CROSS JOIN LATERAL (
    SELECT (array_agg(l.name ORDER BY l.valid_to DESC NULLS FIRST, l.valid_from DESC, l.id))[1] AS name,
           (array_agg(l.category ORDER BY l.valid_to DESC NULLS FIRST, l.valid_from DESC, l.id))[1] AS category,
           (array_agg(l.source ORDER BY l.valid_to DESC NULLS FIRST, l.valid_from DESC, l.id))[1] AS source,
           string_agg(DISTINCT l.source || ' ' || l.list_version, ', ') FILTER (WHERE l.valid_to IS NULL) AS listed_now,
           string_agg(DISTINCT l.source || ' ' || l.list_version, ', ') FILTER (
               WHERE l.valid_from <= e.block_time AND (l.valid_to IS NULL OR l.valid_to > e.block_time)) AS listed_then,
           max(l.valid_to) AS ended
    FROM txhub.labels l
    WHERE l.watched AND l.address = e.address AND (l.chain_id IS NULL OR l.chain_id = e.chain_id)
) AS w
WHERE w.listed_now IS NOT NULL OR e.block_time < w.ended;
COMMENT ON VIEW txhub.exposures_view IS
    'Which transactions have to do with watched addresses, directly or by one address between them, and what the lists said then and say now. A newer list takes exposures away: retracted_at and reason say so.';

COMMENT ON COLUMN txhub.exposures_view.chain IS 'Name of the chain.';
COMMENT ON COLUMN txhub.exposures_view.hash IS 'The transaction, hex text.';
COMMENT ON COLUMN txhub.exposures_view.address IS 'The watched address, as people write it.';
COMMENT ON COLUMN txhub.exposures_view.name IS 'Who it is, as the list says that watches it now, or did last.';
COMMENT ON COLUMN txhub.exposures_view.category IS 'What sort of party, as that list says, such as sanctioned.';
COMMENT ON COLUMN txhub.exposures_view.source IS 'That list.';
COMMENT ON COLUMN txhub.exposures_view.listed_now IS 'The lists, with their newest versions, that watch the address now; null: none.';
COMMENT ON COLUMN txhub.exposures_view.listed_then IS 'The lists, with their versions, that watched it at the time of the block; null: none that is known here.';
COMMENT ON COLUMN txhub.exposures_view.hops IS '0: the parties dealt with the watched address; 1: with via, which dealt with it.';
COMMENT ON COLUMN txhub.exposures_view.via IS 'The address between the watched one and the parties; null: they dealt with it directly.';
COMMENT ON COLUMN txhub.exposures_view.link_hash IS 'The transaction between via and the watched address; null where via is.';
COMMENT ON COLUMN txhub.exposures_view.parties IS 'Who is exposed: the other side of the transaction; empty where that is nobody, or more than 100.';
COMMENT ON COLUMN txhub.exposures_view.token_address IS 'The token''s contract; null: the chain''s own coin.';
COMMENT ON COLUMN txhub.exposures_view.symbol IS 'The chain''s coin, or what the token''s contract calls itself; null: not known.';
COMMENT ON COLUMN txhub.exposures_view.amount IS 'What was moved, whole coins or tokens, exact; null where decimals are not known.';
COMMENT ON COLUMN txhub.exposures_view.amount_base IS 'The same in base units.';
COMMENT ON COLUMN txhub.exposures_view.value_usd IS 'The same in US dollars at the time, to the cent; null where no price of the day before is known.';
COMMENT ON COLUMN txhub.exposures_view.retracted_at IS 'When a newer list took the exposure away, UTC; null: it stands.';
COMMENT ON COLUMN txhub.exposures_view.reason IS 'Which list took it away; null: it stands.';

DO $$
DECLARE
    target record;
BEGIN
    FOR target IN
        SELECT v.attname, col_description(t.attrelid, t.attnum) AS meaning
        FROM pg_attribute v
        JOIN pg_attribute t ON t.attrelid = 'txhub.exposures'::regclass AND t.attname = v.attname
        WHERE v.attrelid = 'txhub.exposures_view'::regclass AND v.attnum > 0
          AND col_description(v.attrelid, v.attnum) IS NULL
    LOOP
        EXECUTE format('COMMENT ON COLUMN txhub.exposures_view.%I IS %L', target.attname, target.meaning);
    END LOOP;
END $$;
