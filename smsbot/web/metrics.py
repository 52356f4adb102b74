"""``/metrics`` for Prometheus: what waits, what failed, what came and went. No number, text or code is in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from smsbot import log
from smsbot.core.status import Status
from smsbot.pipeline.supervisor import Worker
from smsbot.stores.base import Row, Tables

from .guesses import Guesses

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_WAITING = {
    "waiting": ("smsbot_texts_waiting", "Texts that wait to be sent."),
    "held": ("smsbot_texts_paused", "Texts that a pause keeps."),
    "unread": ("smsbot_turns_open", "Texts and events without a turn yet."),
    "dead": ("smsbot_turns_dead", "Turns that failed for good."),
    "unknown": ("smsbot_texts_unknown_held", "Texts that may have arrived, held for a person."),
    "quarantined": ("smsbot_webhooks_quarantined", "Webhooks that were not understood."),
    "opted_out": ("smsbot_numbers_opted_out", "Numbers that have opted out."),
}
_ACCEPTED = (Status.ACCEPTED, Status.SENT, Status.DELIVERED, Status.UNDELIVERED)


class _Rows(Collector):
    """Metrics made of rows that were read for this one answer."""

    def __init__(
        self, counts: Row, totals: list[Row], failing: bool, workers: Sequence[Worker], guesses: Guesses
    ) -> None:
        self._counts = counts
        self._failing = failing
        self._workers = workers
        self._guesses = guesses
        self._totals = totals

    def collect(self) -> list[Metric]:
        """The metric families."""
        found: list[Metric] = [GaugeMetricFamily(n, h, value=self._counts[k]) for k, (n, h) in _WAITING.items()]
        came = CounterMetricFamily("smsbot_messages_received", "Texts that came in.", labels=("line", "kind"))
        went = GaugeMetricFamily(
            "smsbot_texts", "Texts owed, by what became of them until now.", labels=("line", "status")
        )
        parts = GaugeMetricFamily("smsbot_sms_parts", "SMS parts of texts that were accepted.", labels=("line",))
        accepted: Counter[str] = Counter()
        for row in self._totals:
            (came if row["what"] == "in" else went).add_metric((row["line"], row["name"]), row["n"])
            if row["name"] in _ACCEPTED:
                accepted[row["line"]] += row["parts"]
        for line, n in accepted.items():
            parts.add_metric((line,), n)
        failing = GaugeMetricFamily("smsbot_database_failing", "1 while commits fail.", value=float(self._failing))
        deaths = CounterMetricFamily("smsbot_worker_deaths", "Workers that were started again.", labels=("worker",))
        for worker in self._workers:
            deaths.add_metric((worker.name,), worker.deaths)
        lost = CounterMetricFamily("smsbot_log_lines_lost", "Log lines that could not be written.", value=log.lost)
        wrong = CounterMetricFamily(
            "smsbot_password_wrong", "Wrong passwords for the pages.", value=self._guesses.wrong
        )
        unread = CounterMetricFamily(
            "smsbot_password_refused",
            "Passwords that were not looked at, so many had been wrong.",
            value=self._guesses.refused,
        )
        return [*found, came, went, parts, failing, deaths, lost, wrong, unread]


async def metrics(tables: Tables, workers: Sequence[Worker], guesses: Guesses) -> bytes:
    """The page, counted anew: restarts and kills change nothing in it."""
    registry = CollectorRegistry()
    registry.register(
        _Rows((await tables.rows("counts"))[0], await tables.rows("totals"), tables.failing, workers, guesses)
    )
    return generate_latest(registry)
