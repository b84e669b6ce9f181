-- What every column means, where the catalogue did not say so yet: analysts read it there. Base units are wei, satoshi and
-- the like; a whole coin is 10^decimals of them.

COMMENT ON TABLE txhub.alembic_version IS 'The revision that the schema of this database is at.';
COMMENT ON COLUMN txhub.alembic_version.version_num IS 'The newest of sql/migrations that was applied.';

COMMENT ON COLUMN txhub.installation.only_row IS 'Always true: there is one row.';
COMMENT ON COLUMN txhub.installation.edition IS 'timescale or plain.';
COMMENT ON COLUMN txhub.installation.installed_at IS 'When this database was first migrated, UTC.';

COMMENT ON COLUMN txhub.chains.chain_id IS 'EIP-155 id of an EVM chain; what the registry gives to others.';
COMMENT ON COLUMN txhub.chains.name IS 'The name that is used everywhere, such as ethereum.';
COMMENT ON COLUMN txhub.chains.family IS 'evm: accounts, addresses of 20 bytes; utxo: Bitcoin and its kin, addresses as ASCII text.';
COMMENT ON COLUMN txhub.chains.symbol IS 'Its coin, such as ETH; also the asset of txhub.prices.';
COMMENT ON COLUMN txhub.chains.block_time_s IS 'Seconds between blocks, as expected.';
COMMENT ON COLUMN txhub.chains.finality_depth IS 'Blocks that a reorg may replace: the newest so many are provisional.';

COMMENT ON COLUMN txhub.blocks.number IS 'Number of the block; the chain has no gap where numbers follow each other.';
COMMENT ON COLUMN txhub.blocks.hash IS '32 bytes; txhub.hash(''0x…'') makes them from text.';
COMMENT ON COLUMN txhub.blocks.parent_hash IS 'Hash of the block before it, raw.';
COMMENT ON COLUMN txhub.blocks.time IS 'The time that the block says, UTC.';
COMMENT ON COLUMN txhub.blocks.tx_count IS 'All its transactions, also those that a keep filter left out.';
COMMENT ON COLUMN txhub.blocks.gas_used IS 'Gas that its transactions used; null on chains without gas.';
COMMENT ON COLUMN txhub.blocks.gas_limit IS 'Gas that there was room for; null on chains without gas.';
COMMENT ON COLUMN txhub.blocks.size IS 'Bytes, as the node says; null where it does not.';
COMMENT ON COLUMN txhub.blocks.committed_at IS 'When it was committed here, UTC.';

COMMENT ON COLUMN txhub.token_transfers.standard IS 'erc20, erc721 or erc1155.';
COMMENT ON COLUMN txhub.token_transfers.from_address IS 'Who gave, raw; twenty zero bytes where the token was made (minted).';
COMMENT ON COLUMN txhub.token_transfers.to_address IS 'Who got, raw; twenty zero bytes where the token was destroyed (burned).';
COMMENT ON COLUMN txhub.utxo_io.side IS 'in: an output of an earlier transaction that is spent; out: one that is made.';
COMMENT ON COLUMN txhub.utxo_io.script IS 'The output''s script, raw.';
COMMENT ON COLUMN txhub.utxo_io.tx_index IS 'Position of the transaction in its block, see txhub.transactions.';

COMMENT ON COLUMN txhub.stream_events.id IS 'In order of commit; a cursor into the stream.';
COMMENT ON COLUMN txhub.stream_events.created_at IS 'When it was written, UTC.';
COMMENT ON COLUMN txhub.stream_events.event IS 'What happened, such as block or backfill.';
COMMENT ON COLUMN txhub.stream_events.chain_id IS 'The chain it is about, see txhub.chains; null: none.';
COMMENT ON COLUMN txhub.stream_events.data IS 'What clients of the stream get.';
COMMENT ON COLUMN txhub.cursors.reader IS 'One of our own readers of the stream.';
COMMENT ON COLUMN txhub.cursors.event_id IS 'The last event that it has dealt with.';
COMMENT ON COLUMN txhub.event_log.id IS 'In order of writing.';
COMMENT ON COLUMN txhub.event_log.time IS 'When it was written, UTC.';
COMMENT ON COLUMN txhub.event_log.level IS 'info, warning or error.';
COMMENT ON COLUMN txhub.event_log.component IS 'The part of txhub that says it.';
COMMENT ON COLUMN txhub.event_log.chain_id IS 'The chain it is about, see txhub.chains; null: none.';
COMMENT ON COLUMN txhub.event_log.event IS 'What happened, in a word.';
COMMENT ON COLUMN txhub.event_log.details IS 'The facts, by name.';
COMMENT ON COLUMN txhub.policies.hypertable IS 'The table that it is about.';
COMMENT ON COLUMN txhub.policies.policy IS 'chunk_interval: how much time a chunk spans; compress_after: the age at which chunks go to the columnstore.';
COMMENT ON COLUMN txhub.policies.span IS 'How long.';

COMMENT ON COLUMN txhub.streams.reason IS 'Why it is in this state, in words.';
COMMENT ON COLUMN txhub.streams.updated_at IS 'When the follower last said so, UTC.';

COMMENT ON COLUMN txhub.reorgs.id IS 'Its number, in order of detection.';
COMMENT ON COLUMN txhub.reorgs.detected_at IS 'When it was noticed and committed, UTC.';
COMMENT ON COLUMN txhub.reorgs.from_hash IS 'Hash of the newest block that lost, raw.';
COMMENT ON COLUMN txhub.reorgs.from_tx_count IS 'Transactions of all the blocks that lost.';
COMMENT ON COLUMN txhub.reorgs.to_hash IS 'Hash of the newest block that took their place at once, raw.';
COMMENT ON COLUMN txhub.reorgs.to_tx_count IS 'Transactions of all the blocks that took their place at once.';

COMMENT ON COLUMN txhub.tokens.address IS 'The contract, raw; txhub.addr(''0x…'') makes it from text.';
COMMENT ON COLUMN txhub.tokens.symbol IS 'As the contract says: anybody may call a token USDC.';
COMMENT ON COLUMN txhub.tokens.decimals IS 'A whole token is 10^decimals of its base units.';
COMMENT ON COLUMN txhub.tokens.source IS 'Who says so: the node that was asked, or a file.';
COMMENT ON COLUMN txhub.prices.asset IS 'A coin''s symbol (ETH), or chain/0xaddress for a token, in lower case.';
COMMENT ON COLUMN txhub.prices.time IS 'From when on it was worth that, UTC.';
COMMENT ON COLUMN txhub.prices.source IS 'Where the price is from: a feed on a chain, or a file.';
COMMENT ON COLUMN txhub.labels.id IS 'Its number.';
COMMENT ON COLUMN txhub.labels.address IS 'Raw; txhub.addr(''0x…'') or txhub.addr(''bc1q…'') makes it from text.';
COMMENT ON COLUMN txhub.labels.name IS 'Who it is.';
COMMENT ON COLUMN txhub.labels.category IS 'What sort of party, such as exchange or sanctioned.';
COMMENT ON COLUMN txhub.labels.source IS 'The list it is from.';
COMMENT ON COLUMN txhub.labels.list_version IS 'Which version of that list.';
COMMENT ON COLUMN txhub.labels.valid_from IS 'From when on it was in force here, UTC.';

COMMENT ON COLUMN txhub.archive_manifest.table_name IS 'The table whose rows are in the file.';
COMMENT ON COLUMN txhub.archive_manifest.day IS 'The day of their blocks, UTC.';
COMMENT ON COLUMN txhub.archive_manifest.rows IS 'How many rows.';
COMMENT ON COLUMN txhub.archive_manifest.first_block IS 'Number of the first of the day''s blocks; null: it has none.';
COMMENT ON COLUMN txhub.archive_manifest.last_block IS 'Number of the last of the day''s blocks; null: it has none.';
COMMENT ON COLUMN txhub.archive_manifest.bytes IS 'Size of the file.';
COMMENT ON COLUMN txhub.archive_manifest.sha256 IS 'SHA-256 of the file; null where there is none.';
COMMENT ON COLUMN txhub.archive_manifest.exported_at IS 'When the file was written, UTC.';
COMMENT ON COLUMN txhub.horizon.only_row IS 'Always true: there is one row.';
COMMENT ON COLUMN txhub.horizon.time IS 'UTC; null: no raw rows were dropped.';

COMMENT ON COLUMN txhub.transactions_view.hash IS 'Hex text, with 0x on EVM chains. To find one fast, compare txhub.transactions.hash with txhub.hash(…).';
COMMENT ON COLUMN txhub.transactions_view.from_address IS 'Sender, as people write it: hex text, or Bitcoin''s own. To find one fast, use txhub.transactions and txhub.addr(…).';
COMMENT ON COLUMN txhub.transactions_view.to_address IS 'Recipient, as people write it; null for a contract creation.';
COMMENT ON COLUMN txhub.transactions_view.value IS 'Coins moved, whole coins of symbol, exact.';
COMMENT ON COLUMN txhub.transactions_view.value_base IS 'Coins moved, base units, exact.';
COMMENT ON COLUMN txhub.transactions_view.fee IS 'Fee paid, whole coins of symbol, exact; null where the node gave no receipts.';
COMMENT ON COLUMN txhub.transactions_view.method_id IS 'First four bytes of the input of a call, hex text.';

COMMENT ON COLUMN txhub.address_moves.source IS 'transaction: of the chain''s coin; token_transfer: of a token; utxo_io: an output of a Bitcoin-like chain.';
COMMENT ON COLUMN txhub.address_moves.direction IS 'out: from the address; in: to it.';
COMMENT ON COLUMN txhub.address_moves.address IS 'The address that was touched, raw; txhub.addr(…) makes it from text.';
COMMENT ON COLUMN txhub.address_moves.counterparty IS 'The other side, raw; null where there is none or more than one.';
COMMENT ON COLUMN txhub.address_moves.token_address IS 'The token''s contract, raw; null: the chain''s own coin.';
COMMENT ON COLUMN txhub.address_moves.token_id IS 'Which token of an ERC-721 or ERC-1155; null for all else.';
COMMENT ON COLUMN txhub.address_moves.amount IS 'Base units of the coin or token, exact. Of a transaction that failed, what it was to move: see txhub.transactions.success.';

COMMENT ON COLUMN txhub.peaks_1h.minute IS 'Start of the busiest minute of the hour, UTC.';
COMMENT ON COLUMN txhub.peaks_1h.tx_count IS 'Transactions in that minute, so also its rate in transactions a minute.';
COMMENT ON COLUMN txhub.value_hist_1h.bin IS 'Which bin of txhub.value_bin: 32 for each power of ten; -1 holds zero.';
COMMENT ON COLUMN txhub.value_hist_1h.middle IS 'The middle of the bin, base units: within 3.7 percent of every value in it.';
COMMENT ON COLUMN txhub.token_1h.token_address IS 'The contract, raw; txhub.address_text(token_address, ''evm'') makes text of it.';
COMMENT ON COLUMN txhub.token_1h.transfer_count IS 'Transfers of the token in the hour.';
COMMENT ON COLUMN txhub.token_1h.amount_sum IS 'Amounts transferred, base units of the token, exact; for an ERC-721 or ERC-1155, pieces.';
COMMENT ON COLUMN txhub.token_1h.token_symbol IS 'As the contract says; null: not known.';
COMMENT ON COLUMN txhub.token_1h.token_decimals IS 'A whole token is 10^token_decimals of its base units; null: not known.';
COMMENT ON COLUMN txhub.top_senders_1h.address IS 'Sender, raw; null: all the others together.';
COMMENT ON COLUMN txhub.top_receivers_1h.address IS 'Recipient, raw; null: all the others together.';
COMMENT ON COLUMN txhub.top_flows_1h.from_address IS 'Sender, raw; null together with to_address: all the other pairs.';
COMMENT ON COLUMN txhub.top_flows_1h.to_address IS 'Recipient, raw; null together with from_address: all the other pairs.';
COMMENT ON COLUMN txhub.active_1h.sketch IS 'An HLL sketch of Apache DataSketches, serialised.';

COMMENT ON FUNCTION txhub.address_text IS 'An address as people write it: address_text(address, family), family evm or utxo.';
COMMENT ON FUNCTION txhub.hash_text IS 'A hash as people write it: hash_text(hash, family), with 0x where family is evm.';

-- Columns that mean the same wherever they are, and those that were taken over from another table as they are.
DO $$
DECLARE
    target record;
BEGIN
    FOR target IN
        SELECT c.oid::regclass AS relation, a.attname, coalesce(
            col_description(o.attrelid, o.attnum),
            CASE a.attname
                WHEN 'chain_id' THEN 'The chain, see txhub.chains.'
                WHEN 'chain' THEN 'Name of the chain.'
                WHEN 'block_number' THEN 'Number of its block, see txhub.blocks.'
                WHEN 'block_time' THEN 'Time of its block, UTC.'
                WHEN 'kind' THEN 'What transactions do, see txhub.tx_kind.'
                WHEN 'symbol' THEN 'The chain''s coin.'
                WHEN 'decimals' THEN 'A whole coin is 10^decimals base units: txhub.to_native(value_sum, decimals).'
                WHEN 'reorg_id' THEN 'The reorg that replaced it, see txhub.reorgs.'
                WHEN 'bucket' THEN format(
                    'Start of the %s, UTC.',
                    CASE right(c.relname, 3) WHEN '_1m' THEN 'minute' WHEN '_1h' THEN 'hour' WHEN '_1d' THEN 'day' END)
                WHEN 'tx_count' THEN 'Transactions.'
                WHEN 'status_known_count' THEN 'Transactions of which it is known whether they succeeded.'
                WHEN 'failed_count' THEN 'Transactions that failed, of those of which it is known.'
                WHEN 'value_sum' THEN 'Coins moved, base units, exact.'
                WHEN 'value_max' THEN 'Most coins moved by one transaction, base units, exact.'
                WHEN 'fee_sum' THEN 'Fees paid, base units, exact; null: none is known.'
                WHEN 'gas_used' THEN 'Gas used; null: none is known.'
                WHEN 'count_bound' THEN 'No one of the others has more transactions in this hour.'
                WHEN 'value_bound' THEN 'No one of the others has moved more in this hour, base units.'
            END) AS meaning
        FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN (VALUES
            ('transactions_view', 'txhub.transactions'),
            ('address_moves', 'txhub.transactions'),
            ('orphans', 'txhub.blocks'),
            ('orphan_transactions', 'txhub.transactions'),
            ('orphan_token_transfers', 'txhub.token_transfers'),
            ('orphan_utxo_io', 'txhub.utxo_io')
        ) AS taken (relname, origin) USING (relname)
        LEFT JOIN pg_attribute o ON o.attrelid = taken.origin::regclass AND o.attname = a.attname
        WHERE c.relnamespace = 'txhub'::regnamespace
          AND c.relkind IN ('r', 'p', 'v')
          AND col_description(c.oid, a.attnum) IS NULL
    LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', target.relation, target.attname, target.meaning);
    END LOOP;
END $$;
