-- What a run of the benchmark has to have stored.

-- name: count_and_sum
SELECT count(*), sum(value) FROM txhub.transactions
