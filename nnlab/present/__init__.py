"""Present: tables and curves as values, and what renders them: the terminal, Markdown, CSV, LaTeX, HTML and PNG.

Nothing here knows of a run: whoever has something to show makes a value of it. Names are imported from their modules.
"""
