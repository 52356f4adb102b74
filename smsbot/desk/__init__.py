"""What the desk asks, answered alike on the pages, by the command line and by the API: verdicts, people."""
