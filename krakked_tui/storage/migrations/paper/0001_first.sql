-- A paper account. Amounts are decimal TEXT, times INTEGER microseconds since 1970 UTC, structures JSON TEXT.

-- account_id and opening (the balances the account was opened with), written together and for ever;
-- session: who has the books in use.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- body: the whole order as JSON; the other columns are what it is found by.
CREATE TABLE orders (
    number    INTEGER PRIMARY KEY,
    order_id  TEXT NOT NULL UNIQUE,
    cl_ord_id TEXT NOT NULL,
    is_open   INTEGER NOT NULL,
    body      TEXT NOT NULL
) STRICT;

CREATE INDEX orders_by_client_id ON orders (cl_ord_id);
CREATE INDEX orders_that_are_open ON orders (number) WHERE is_open;

-- fees: JSON list of {asset, amount}; usd: what the fee tier counts.
CREATE TABLE trades (
    seq             INTEGER PRIMARY KEY,
    trade_id        TEXT NOT NULL UNIQUE,
    kraken_order_id TEXT NOT NULL,
    pair            TEXT NOT NULL,
    side            TEXT NOT NULL,
    price           TEXT NOT NULL,
    volume          TEXT NOT NULL,
    cost            TEXT NOT NULL,
    fees            TEXT NOT NULL,
    time            INTEGER NOT NULL,
    maker           INTEGER NOT NULL,
    cl_ord_id       TEXT,
    usd             TEXT NOT NULL
) STRICT;

CREATE INDEX trades_by_time ON trades (time);

CREATE TABLE entries (
    seq      INTEGER PRIMARY KEY,
    entry_id TEXT NOT NULL UNIQUE,
    refid    TEXT NOT NULL,
    time     INTEGER NOT NULL,
    type     TEXT NOT NULL,
    subtype  TEXT NOT NULL,
    asset    TEXT NOT NULL,
    amount   TEXT NOT NULL,
    fee      TEXT NOT NULL,
    balance  TEXT NOT NULL
) STRICT;

CREATE INDEX entries_by_time ON entries (time);
CREATE INDEX entries_by_asset ON entries (asset, seq);

-- What happened stays as it was written.
CREATE TRIGGER trades_are_never_changed BEFORE UPDATE ON trades
BEGIN
    SELECT RAISE(ABORT, 'a trade is never changed');
END;

CREATE TRIGGER trades_are_never_deleted BEFORE DELETE ON trades
BEGIN
    SELECT RAISE(ABORT, 'a trade is never deleted');
END;

CREATE TRIGGER entries_are_never_changed BEFORE UPDATE ON entries
BEGIN
    SELECT RAISE(ABORT, 'a ledger row is never changed');
END;

CREATE TRIGGER entries_are_never_deleted BEFORE DELETE ON entries
BEGIN
    SELECT RAISE(ABORT, 'a ledger row is never deleted');
END;
