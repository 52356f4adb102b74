"""``python -m smsbot``."""

from smsbot.cli.main import main

main()
