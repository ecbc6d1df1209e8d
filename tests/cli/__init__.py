"""The command line, a file a command or two, each as a real process."""
