-- name: settings
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;

-- name: load_meta
SELECT key, value FROM meta;

-- name: save_meta
INSERT INTO meta (key, value) VALUES (:key, :value);

-- name: load_orders
SELECT local_id, cl_ord_id, plan_id, strategy_id, purpose, pair, side, order_type, volume, price, trigger_price,
       time_in_force, post_only, deadline, status, created_at, updated_at, timeframe, signal_time, stop_price,
       kraken_order_id, filled, avg_fill_price, last_error, shares
FROM execution_orders
ORDER BY seq;

-- name: save_order
INSERT INTO execution_orders
       (local_id, cl_ord_id, plan_id, strategy_id, purpose, pair, side, order_type, volume, price, trigger_price,
        time_in_force, post_only, deadline, status, created_at, updated_at, timeframe, signal_time, stop_price,
        kraken_order_id, filled, avg_fill_price, last_error, shares)
VALUES (:local_id, :cl_ord_id, :plan_id, :strategy_id, :purpose, :pair, :side, :order_type, :volume, :price,
        :trigger_price, :time_in_force, :post_only, :deadline, :status, :created_at, :updated_at, :timeframe,
        :signal_time, :stop_price, :kraken_order_id, :filled, :avg_fill_price, :last_error, :shares)
ON CONFLICT (local_id) DO UPDATE SET
       cl_ord_id = excluded.cl_ord_id,
       plan_id = excluded.plan_id,
       strategy_id = excluded.strategy_id,
       purpose = excluded.purpose,
       pair = excluded.pair,
       side = excluded.side,
       order_type = excluded.order_type,
       volume = excluded.volume,
       price = excluded.price,
       trigger_price = excluded.trigger_price,
       time_in_force = excluded.time_in_force,
       post_only = excluded.post_only,
       deadline = excluded.deadline,
       status = excluded.status,
       created_at = excluded.created_at,
       updated_at = excluded.updated_at,
       timeframe = excluded.timeframe,
       signal_time = excluded.signal_time,
       stop_price = excluded.stop_price,
       kraken_order_id = excluded.kraken_order_id,
       filled = excluded.filled,
       avg_fill_price = excluded.avg_fill_price,
       last_error = excluded.last_error,
       shares = excluded.shares;

-- name: append_transition
INSERT INTO execution_order_events (cl_ord_id, at, status_before, status_after, source, detail)
VALUES (:cl_ord_id, :at, :before, :after, :source, :detail);

-- name: load_trades
SELECT trade_id, kraken_order_id, pair, side, price, volume, cost, fees, time, maker, cl_ord_id
FROM trades
ORDER BY time, seq;

-- name: save_trade
INSERT INTO trades (trade_id, kraken_order_id, pair, side, price, volume, cost, fees, time, maker, cl_ord_id)
VALUES (:trade_id, :kraken_order_id, :pair, :side, :price, :volume, :cost, :fees, :time, :maker, :cl_ord_id)
ON CONFLICT (trade_id) DO NOTHING;

-- name: load_entries
SELECT entry_id, refid, time, type, subtype, asset, amount, fee, balance
FROM ledger_entries
ORDER BY time, seq;

-- name: save_entry
INSERT INTO ledger_entries (entry_id, refid, time, type, subtype, asset, amount, fee, balance)
VALUES (:entry_id, :refid, :time, :type, :subtype, :asset, :amount, :fee, :balance)
ON CONFLICT (entry_id) DO NOTHING;

-- name: load_rates
SELECT event_id, asset, price, source
FROM rates
ORDER BY event_id, asset;

-- name: save_rate
INSERT INTO rates (event_id, asset, price, source)
VALUES (:event_id, :asset, :price, :source)
ON CONFLICT (event_id, asset) DO NOTHING;

-- name: load_history_marks
SELECT kind, oldest, "read", total, done, newest
FROM history_marks
ORDER BY kind;

-- name: save_history_mark
INSERT INTO history_marks (kind, oldest, "read", total, done, newest)
VALUES (:kind, :oldest, :read, :total, :done, :newest)
ON CONFLICT (kind) DO UPDATE SET
       oldest = excluded.oldest,
       "read" = excluded."read",
       total = excluded.total,
       done = excluded.done,
       newest = excluded.newest;

-- name: load_foreign_orders
SELECT kraken_order_id, userref
FROM foreign_orders
ORDER BY kraken_order_id;

-- name: save_foreign_order
INSERT INTO foreign_orders (kraken_order_id, userref)
VALUES (:kraken_order_id, :userref)
ON CONFLICT (kraken_order_id) DO UPDATE SET userref = excluded.userref;

-- name: load_share_marks
SELECT pair, strategy_id, opened_at, highest
FROM share_marks
ORDER BY pair, strategy_id;

-- name: save_share_mark
INSERT INTO share_marks (pair, strategy_id, opened_at, highest)
VALUES (:pair, :strategy_id, :opened_at, :highest)
ON CONFLICT (pair, strategy_id) DO UPDATE SET opened_at = excluded.opened_at, highest = excluded.highest;

-- name: save_decision
INSERT INTO decisions (plan_id, time, record)
VALUES (:plan_id, :time, :record)
ON CONFLICT (plan_id) DO UPDATE SET time = excluded.time, record = excluded.record;

-- name: load_snapshots
SELECT at, equity, cash, realized_pnl, unrealized_pnl, flows
FROM equity_snapshots
ORDER BY at;

-- name: save_snapshot
INSERT INTO equity_snapshots (at, equity, cash, realized_pnl, unrealized_pnl, flows)
VALUES (:at, :equity, :cash, :realized_pnl, :unrealized_pnl, :flows)
ON CONFLICT (at) DO UPDATE SET
       equity = excluded.equity,
       cash = excluded.cash,
       realized_pnl = excluded.realized_pnl,
       unrealized_pnl = excluded.unrealized_pnl,
       flows = excluded.flows;

-- name: delete_snapshot
DELETE FROM equity_snapshots WHERE at = :at;

-- name: append_control
INSERT INTO control_log (at, actor, command, arguments, outcome)
VALUES (:at, :actor, :command, :arguments, :outcome);

-- name: load_safety
SELECT key, value FROM safety;

-- name: save_safety
INSERT INTO safety (key, value)
VALUES (:key, :value)
ON CONFLICT (key) DO UPDATE SET value = excluded.value;
