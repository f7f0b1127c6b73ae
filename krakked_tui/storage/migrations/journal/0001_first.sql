-- Amounts are decimal TEXT, times INTEGER microseconds since 1970 UTC, structures JSON TEXT.

-- account_id and instance_id, written together when the database is first bound to an account.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Our orders. A second order with a client id that exists is refused: ids are never used twice.
CREATE TABLE execution_orders (
    seq             INTEGER PRIMARY KEY,
    local_id        TEXT NOT NULL UNIQUE,
    cl_ord_id       TEXT NOT NULL UNIQUE,
    plan_id         TEXT NOT NULL,
    strategy_id     TEXT NOT NULL,
    purpose         TEXT NOT NULL,
    pair            TEXT NOT NULL,
    side            TEXT NOT NULL,
    order_type      TEXT NOT NULL,
    volume          TEXT NOT NULL,
    price           TEXT,
    trigger_price   TEXT,
    time_in_force   TEXT NOT NULL,
    post_only       INTEGER NOT NULL,
    deadline        INTEGER,
    status          TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    timeframe       TEXT,
    signal_time     INTEGER,
    stop_price      TEXT,
    kraken_order_id TEXT,
    filled          TEXT NOT NULL,
    avg_fill_price  TEXT NOT NULL,
    last_error      TEXT
) STRICT;

-- Every transition of every order, kept for ever.
CREATE TABLE execution_order_events (
    seq           INTEGER PRIMARY KEY,
    cl_ord_id     TEXT NOT NULL REFERENCES execution_orders (cl_ord_id),
    at            INTEGER NOT NULL,
    status_before TEXT,
    status_after  TEXT NOT NULL,
    source        TEXT NOT NULL,
    detail        TEXT NOT NULL
) STRICT;

CREATE INDEX execution_order_events_by_order ON execution_order_events (cl_ord_id);

CREATE TRIGGER execution_order_events_are_never_changed
BEFORE UPDATE ON execution_order_events
BEGIN
    SELECT RAISE(ABORT, 'the history of an order is never changed');
END;

CREATE TRIGGER execution_order_events_are_never_deleted
BEFORE DELETE ON execution_order_events
BEGIN
    SELECT RAISE(ABORT, 'the history of an order is never deleted');
END;

-- fees: JSON list of {asset, amount}.
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
    cl_ord_id       TEXT
) STRICT;

CREATE TABLE ledger_entries (
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

CREATE TABLE decisions (
    plan_id TEXT PRIMARY KEY,
    time    INTEGER NOT NULL,
    record  TEXT NOT NULL
) STRICT;

CREATE TABLE equity_snapshots (
    at             INTEGER PRIMARY KEY,
    equity         TEXT NOT NULL,
    cash           TEXT NOT NULL,
    realized_pnl   TEXT NOT NULL,
    unrealized_pnl TEXT NOT NULL
) STRICT;

CREATE TABLE control_log (
    seq       INTEGER PRIMARY KEY,
    at        INTEGER NOT NULL,
    actor     TEXT NOT NULL,
    command   TEXT NOT NULL,
    arguments TEXT NOT NULL,
    outcome   TEXT NOT NULL
) STRICT;

-- kill_switch, paused, day_start and flatten, as JSON.
CREATE TABLE safety (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
