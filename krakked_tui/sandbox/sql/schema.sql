CREATE TABLE exchange (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE orders (
    number INTEGER PRIMARY KEY,
    order_id TEXT NOT NULL UNIQUE,
    pair TEXT NOT NULL,
    side TEXT NOT NULL,
    order_type TEXT NOT NULL,
    volume TEXT NOT NULL,
    price TEXT,
    time_in_force TEXT NOT NULL,
    post_only INTEGER NOT NULL,
    cl_ord_id TEXT,
    userref INTEGER,
    arrived_at TEXT NOT NULL,
    status TEXT NOT NULL,
    filled TEXT NOT NULL,
    cost TEXT NOT NULL,
    fee TEXT NOT NULL,
    closed_at TEXT,
    reason TEXT
);

CREATE TABLE trades (
    number INTEGER PRIMARY KEY,
    trade_id TEXT NOT NULL UNIQUE,
    order_id TEXT NOT NULL REFERENCES orders (order_id),
    price TEXT NOT NULL,
    volume TEXT NOT NULL,
    cost TEXT NOT NULL,
    fee_asset TEXT NOT NULL,
    fee TEXT NOT NULL,
    time TEXT NOT NULL,
    maker INTEGER NOT NULL
);

CREATE TABLE ledger (
    number INTEGER PRIMARY KEY,
    entry_id TEXT NOT NULL UNIQUE,
    refid TEXT NOT NULL,
    time TEXT NOT NULL,
    type TEXT NOT NULL,
    subtype TEXT NOT NULL,
    asset TEXT NOT NULL,
    amount TEXT NOT NULL,
    fee TEXT NOT NULL,
    balance TEXT NOT NULL
);
