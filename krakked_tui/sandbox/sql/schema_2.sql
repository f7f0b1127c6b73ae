ALTER TABLE orders ADD COLUMN details TEXT NOT NULL DEFAULT '{}';

CREATE TABLE market_changes (
    number INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    pair TEXT NOT NULL,
    value TEXT NOT NULL
);
