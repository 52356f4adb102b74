"""How the reasons begin for which texts wait or never leave; what follows says it to people."""

QUIET = "quiet hours"
CAP = "the cap"
CODES = "too many codes"
