"""A stand-in for MessageFlow and a network of phones: what `smsbot dev` and the tests talk to.

It imitates MessageFlow; it does not prove it. It is an ASGI app of its own, reached over HTTP by the same
adapter that talks to the real service.
"""
