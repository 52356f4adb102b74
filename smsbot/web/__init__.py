"""Roof: doors and windows: webhooks, the dashboard, the phone in the browser, health, the control socket."""
