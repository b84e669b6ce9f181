-- The timescale edition: whole chunks go, those of all chains.

CREATE FUNCTION txhub_rollup.drop_raw(cut timestamptz) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM drop_chunks('txhub.transactions', older_than => cut);
    PERFORM drop_chunks('txhub.token_transfers', older_than => cut);
    PERFORM drop_chunks('txhub.utxo_io', older_than => cut);
END $$;
