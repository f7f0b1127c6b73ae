-- name: settings
PRAGMA query_only = ON;

-- name: begin
BEGIN;

-- name: load_entries_of
SELECT entry_id, refid, time, type, subtype, asset, amount, fee, balance
FROM ledger_entries
WHERE refid = :event
   OR entry_id = :event
   OR refid IN (SELECT refid FROM ledger_entries WHERE entry_id = :event AND refid <> '')
ORDER BY time, seq
LIMIT :most;

-- name: load_decisions
SELECT record
FROM decisions
WHERE time < :before
ORDER BY time DESC, plan_id DESC
LIMIT :most;

-- name: load_decision
SELECT record FROM decisions WHERE plan_id = :plan_id;

-- name: load_transitions
SELECT cl_ord_id, at, status_before, status_after, source, detail
FROM execution_order_events
WHERE cl_ord_id = :cl_ord_id
ORDER BY seq
LIMIT :most;
