"""Forecasts of thousands of series.

predict_many    load, forecast and write in workers, shard by shard
shards          the Parquet file and its shards
"""
