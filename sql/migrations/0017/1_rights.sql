-- What a commit asks of the edition is for who commits, and nobody else.

REVOKE EXECUTE ON FUNCTION
    txhub_rollup.make_room, txhub_rollup.after_copy, txhub_rollup.recompute, txhub_rollup.add_hours,
    txhub_rollup.recompute_hours
    FROM PUBLIC;
