"""Makes a repo that knows nothing of evolverec into one that it trains: its code is read, without being run, and an adapter drafted."""
