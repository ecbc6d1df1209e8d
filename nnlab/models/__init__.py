"""Models: one file each; its name in a config is the file's name with hyphens."""
