-- name: settings
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;

-- name: load_meta
SELECT key, value FROM meta;

-- name: save_meta
INSERT INTO meta (key, value) VALUES (:key, :value) ON CONFLICT (key) DO NOTHING;

-- name: begin_session
INSERT INTO meta (key, value) VALUES ('session', :session)
ON CONFLICT (key) DO UPDATE SET value = excluded.value;

-- name: hold_session
UPDATE meta SET value = value WHERE key = 'session' AND value = :session;

-- name: save_order
INSERT INTO orders (number, order_id, cl_ord_id, is_open, body)
VALUES (:number, :order_id, :cl_ord_id, :is_open, :body)
ON CONFLICT (number) DO UPDATE SET is_open = excluded.is_open, body = excluded.body;

-- name: save_trade
INSERT INTO trades (trade_id, kraken_order_id, pair, side, price, volume, cost, fees, time, maker, cl_ord_id, usd)
VALUES (:trade_id, :kraken_order_id, :pair, :side, :price, :volume, :cost, :fees, :time, :maker, :cl_ord_id, :usd);

-- name: save_entry
INSERT INTO entries (entry_id, refid, time, type, subtype, asset, amount, fee, balance)
VALUES (:entry_id, :refid, :time, :type, :subtype, :asset, :amount, :fee, :balance);

-- name: counts
SELECT (SELECT ifnull(max(number), 0) FROM orders),
       (SELECT ifnull(max(seq), 0) FROM trades),
       (SELECT ifnull(max(seq), 0) FROM entries);

-- name: last_time
SELECT max(time) FROM entries;

-- name: balances
SELECT asset, balance
FROM entries
WHERE seq IN (SELECT max(seq) FROM entries GROUP BY asset)
ORDER BY seq;

-- name: turnover
SELECT time, usd FROM trades WHERE time >= :since ORDER BY seq;

-- name: open_orders
SELECT body FROM orders WHERE is_open ORDER BY number;

-- name: find_orders
SELECT body FROM orders WHERE cl_ord_id = :cl_ord_id ORDER BY number;

-- name: query_orders
SELECT body FROM orders WHERE order_id IN (SELECT value FROM json_each(:order_ids)) ORDER BY number;

-- name: trades
SELECT trade_id, kraken_order_id, pair, side, price, volume, cost, fees, time, maker, cl_ord_id
FROM trades
WHERE time >= :since
ORDER BY time, seq;

-- name: entries
SELECT entry_id, refid, time, type, subtype, asset, amount, fee, balance
FROM entries
WHERE time >= :since
ORDER BY time, seq;

-- name: trades_before
SELECT trade_id, kraken_order_id, pair, side, price, volume, cost, fees, time, maker, cl_ord_id
FROM trades
WHERE time <= :until
ORDER BY time DESC, seq DESC
LIMIT :rows OFFSET :skip;

-- name: entries_before
SELECT entry_id, refid, time, type, subtype, asset, amount, fee, balance
FROM entries
WHERE time <= :until
ORDER BY time DESC, seq DESC
LIMIT :rows OFFSET :skip;
