-- What a run of the benchmark has to have stored.

-- name: stored
SELECT count(*), sum(value), sum(fee), (SELECT count(*) FROM txhub.token_transfers) FROM txhub.transactions
