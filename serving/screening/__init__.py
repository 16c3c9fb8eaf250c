"""Screening: partitioned Parquet in, partitioned Parquet out, bounded memory, resumable."""
