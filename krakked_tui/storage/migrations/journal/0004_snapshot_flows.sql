-- What had come in less what had gone out by the time of a point of the equity curve, each at its worth when
-- it was booked. Points made before this column have none.
ALTER TABLE equity_snapshots ADD COLUMN flows TEXT;
