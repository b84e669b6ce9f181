-- What reorgs took away for good.

CREATE VIEW txhub.gone_transactions AS
SELECT t.*
FROM txhub.orphan_transactions t
WHERE t.block_time >= coalesce((SELECT time FROM txhub.horizon), '-infinity')
  AND NOT EXISTS (
    SELECT FROM txhub.transactions again
    WHERE again.chain_id = t.chain_id AND again.hash = t.hash
      AND again.block_time >= t.block_time - INTERVAL '1 day' AND again.block_time < t.block_time + INTERVAL '7 days');
COMMENT ON VIEW txhub.gone_transactions IS
    'Transactions of replaced blocks that no block of the week after holds again. Of those before the horizon nobody knows.';

DO $$
DECLARE
    target record;
BEGIN
    FOR target IN
        SELECT attname, CASE attname
                            WHEN 'reorg_id' THEN 'Which of txhub.reorgs replaced it.'
                            ELSE col_description('txhub.transactions'::regclass, o.attnum)
                        END AS meaning
        FROM pg_attribute v
        LEFT JOIN (SELECT attname, attnum FROM pg_attribute WHERE attrelid = 'txhub.transactions'::regclass) AS o
            USING (attname)
        WHERE v.attrelid = 'txhub.gone_transactions'::regclass AND v.attnum > 0
    LOOP
        EXECUTE format('COMMENT ON COLUMN txhub.gone_transactions.%I IS %L', target.attname, target.meaning);
    END LOOP;
END $$;
