-- facts
SELECT name, value FROM exchange;

-- put_fact
INSERT INTO exchange (name, value) VALUES (:name, :value)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- orders
SELECT * FROM orders ORDER BY number;

-- put_order
INSERT INTO orders VALUES (
    :number, :order_id, :pair, :side, :order_type, :volume, :price, :time_in_force, :post_only, :cl_ord_id, :userref,
    :arrived_at, :status, :filled, :cost, :fee, :closed_at, :reason, :details
)
ON CONFLICT (number) DO UPDATE SET
    volume = excluded.volume, price = excluded.price, post_only = excluded.post_only,
    status = excluded.status, filled = excluded.filled, cost = excluded.cost, fee = excluded.fee,
    closed_at = excluded.closed_at, reason = excluded.reason, details = excluded.details;

-- trades
SELECT trades.*, orders.pair, orders.side, orders.cl_ord_id
FROM trades JOIN orders USING (order_id) ORDER BY trades.number;

-- put_trade
INSERT INTO trades VALUES (
    :number, :trade_id, :order_id, :price, :volume, :cost, :fee_asset, :fee, :time, :maker
);

-- ledger
SELECT * FROM ledger ORDER BY number;

-- put_entry
INSERT INTO ledger (entry_id, refid, time, type, subtype, asset, amount, fee, balance)
VALUES (:entry_id, :refid, :time, :type, :subtype, :asset, :amount, :fee, :balance);

-- market_changes
SELECT * FROM market_changes ORDER BY number;

-- put_market_change
INSERT INTO market_changes (at, kind, pair, value) VALUES (:at, :kind, :pair, :value);
