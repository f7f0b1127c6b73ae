-- What an asset was worth when an event happened; the first price found is kept.
CREATE TABLE rates (
    event_id TEXT NOT NULL,
    asset    TEXT NOT NULL,
    price    TEXT NOT NULL,
    source   TEXT NOT NULL,
    PRIMARY KEY (event_id, asset)
) STRICT, WITHOUT ROWID;

-- How much of each of the account's histories is stored.
CREATE TABLE history_marks (
    kind   TEXT PRIMARY KEY,
    oldest INTEGER,
    "read" INTEGER NOT NULL,
    total  INTEGER,
    done   INTEGER NOT NULL,
    newest INTEGER
) STRICT, WITHOUT ROWID;

-- Orders of the account that are not ours, with the number their maker gave them.
CREATE TABLE foreign_orders (
    kraken_order_id TEXT PRIMARY KEY,
    userref         INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX ledger_entries_by_refid ON ledger_entries (refid);
