"""The archive: raw rows as Parquet files, verified before retention drops them."""
