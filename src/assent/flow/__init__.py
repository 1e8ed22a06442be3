"""Order and transactions: the only room where they live."""
