"""One turn of a conversation, from an event to what is written of it: no store, gateway, clock or socket."""
