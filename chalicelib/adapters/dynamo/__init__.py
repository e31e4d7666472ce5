"""DynamoDB: one connection, a thin typed table, a codec, and the stores built on them."""
