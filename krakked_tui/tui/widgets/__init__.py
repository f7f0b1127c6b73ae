"""Line-rendered widgets: they paint styled lines, and only the cells that changed.

They know nothing about engines, views or commands.
"""
