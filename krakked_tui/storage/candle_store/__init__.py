"""The candle store on disk: sealed partitions, a tail for what is newer, recent bars in memory.

A new row goes into the tail in one durable transaction. ``compact`` moves old rows of the tail into
partitions, which are written whole and never touched again but to be replaced whole. Only the process
that holds ``writer.lock`` changes files; any number of others may read them meanwhile.

A row may be in a partition and in the tail at the same time (a correction, or a compaction that was
cut short): the one in the tail counts when it is at least as complete. Readers look at the tail first
and at partitions afterwards, so that a row on its way from one to the other is never missed.
"""
