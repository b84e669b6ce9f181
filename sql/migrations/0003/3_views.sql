-- The contract: what readers see of it, one text for both editions.

CREATE VIEW txhub.value_hist_1h AS
SELECT r.chain_id,
       c.name AS chain,
       r.kind,
       r.bucket,
       r.bin,
       txhub.bin_value(r.bin) AS middle,
       r.tx_count,
       c.symbol,
       c.decimals
FROM txhub_rollup.value_hist_1h r
JOIN txhub.chains c USING (chain_id);
COMMENT ON VIEW txhub.value_hist_1h IS
    'How many transactions of a chain, kind and hour have a value in each bin of txhub.value_bin; middle in base units. Add up tx_count over hours, then walk the bins, for quantiles.';

CREATE VIEW txhub.token_1h AS
SELECT r.chain_id,
       c.name AS chain,
       r.token_address,
       r.bucket,
       r.transfer_count,
       r.amount_sum,
       k.symbol AS token_symbol,
       k.decimals AS token_decimals
FROM txhub_rollup.token_1h r
JOIN txhub.chains c USING (chain_id)
LEFT JOIN txhub.tokens k ON k.chain_id = r.chain_id AND k.address = r.token_address;
COMMENT ON VIEW txhub.token_1h IS
    'Transfers of each token by hour; amount_sum in base units of the token, see token_decimals.';

CREATE VIEW txhub.top_senders_1h AS
SELECT t.chain_id,
       c.name AS chain,
       t.bucket,
       t.address,
       t.tx_count,
       t.value_sum,
       t.value_max,
       t.count_bound,
       t.value_bound,
       c.symbol,
       c.decimals
FROM txhub_rollup.top_senders_1h t
JOIN txhub.chains c USING (chain_id);
COMMENT ON VIEW txhub.top_senders_1h IS
    'The 500 senders with most transactions and the 500 with most value of each closed hour, and a row without address for all others. count_bound and value_bound (base units): no one of the others has more in this hour.';

CREATE VIEW txhub.top_receivers_1h AS
SELECT t.chain_id,
       c.name AS chain,
       t.bucket,
       t.address,
       t.tx_count,
       t.value_sum,
       t.value_max,
       t.count_bound,
       t.value_bound,
       c.symbol,
       c.decimals
FROM txhub_rollup.top_receivers_1h t
JOIN txhub.chains c USING (chain_id);
COMMENT ON VIEW txhub.top_receivers_1h IS
    'The 500 receivers with most transactions and the 500 with most value of each closed hour, and a row without address for all others. count_bound and value_bound (base units): no one of the others has more in this hour.';

CREATE VIEW txhub.top_flows_1h AS
SELECT t.chain_id,
       c.name AS chain,
       t.bucket,
       t.from_address,
       t.to_address,
       t.tx_count,
       t.value_sum,
       t.value_max,
       t.count_bound,
       t.value_bound,
       c.symbol,
       c.decimals
FROM txhub_rollup.top_flows_1h t
JOIN txhub.chains c USING (chain_id);
COMMENT ON VIEW txhub.top_flows_1h IS
    'The 500 pairs of sender and receiver with most transactions and the 500 with most value of each closed hour, and a row without address for all others. count_bound and value_bound (base units): no one of the others has more in this hour.';

CREATE VIEW txhub.active_1h AS
SELECT a.chain_id, c.name AS chain, a.bucket, a.sketch
FROM txhub_rollup.active_1h a
JOIN txhub.chains c USING (chain_id);
COMMENT ON VIEW txhub.active_1h IS
    'HyperLogLog sketches (Apache DataSketches) of the addresses that sent or received in each closed hour; they can be united over hours.';
