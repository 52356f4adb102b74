"""Public: test bots as people talk to them. `Sim` is a whole server in this process, with phones and a clock
that stands still; stories are its twin in YAML, and the pytest plugin brings both."""

from .sim import Phone, Provider, Sim
from .stories import Failure, Outcome, run_story

__all__ = ["Failure", "Outcome", "Phone", "Provider", "Sim", "run_story"]
