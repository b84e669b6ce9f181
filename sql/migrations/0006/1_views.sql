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
