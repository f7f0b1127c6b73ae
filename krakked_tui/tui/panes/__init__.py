"""The panes of the main screen. A pane takes views in and paints them; it sends nothing."""
