"""When rows are due: frequencies, exchanges, sessions, market minutes."""
