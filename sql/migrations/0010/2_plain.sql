-- The plain edition: what continuous aggregates have by themselves.

CREATE INDEX token_1h_token ON txhub_rollup.token_1h (token_address, bucket);
