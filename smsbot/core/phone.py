"""Phone numbers, short codes and alphanumeric senders: one spelling for each, and masks for people.

A number is spelled E.164 (ITU-T E.164: ``+`` and at most 15 digits), a short code as its digits,
an alphanumeric sender as it is (3GPP TS 23.038: at most 11 characters).
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

import phonenumbers
from phonenumbers import timezone

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_OLD_MEXICAN = re.compile(r"\+521([0-9]{10})")
_LEAST = 9
"""Digits of a number that is taken for one though no plan knows it: short codes and local numbers have less."""
_DIGITS = re.compile(r"\+?\d[\d\s]{2,}\d|\+?\(?\d(?:[\s.()/\u2010-\u2015-]{0,2}\d){5,}")
"""A pattern for what may be a phone number or a code in a provider's words about a text."""
_ARGENTINE = re.compile(r"\+54([1-8][0-9]{9})")
_NETWORKS = ("+870", "+878", "+881", "+882", "+883", "+888", "+979")
_CODES = frozenset(map(str, phonenumbers.COUNTRY_CODE_TO_REGION_CODE))
_SCHEME = re.compile(r"^(?:tel|sms):", re.IGNORECASE)
_SEPARATORS = re.compile(r"[\s().\-/\u00a0\u2010-\u2015\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")


@lru_cache(maxsize=65_536)
def normalise(raw: str, country: str | None = None) -> str:
    """The one spelling of an address.

    `country` (ISO 3166-1 alpha-2, that of the line) says how national numbers are read, so that
    ``600100200``, ``48600100200`` and ``+48600100200`` are one person on a PL line; so are ``+48 0600100200`` and
    ``0048600100200``, ``+52 1 55…`` and ``+52 55…``, ``+54 11…`` and ``+54 9 11…``. An address that is
    no phone number anywhere comes back as a short code (digits) or an alphanumeric sender (as it is).
    """
    address = _SCHEME.sub("", _SEPARATORS.sub("", raw))
    if not address.isascii():
        address = "".join(str(unicodedata.decimal(c, c)) for c in address)
    if _E164.fullmatch(address):
        return _canonical(address)
    if not address.lstrip("+").isdigit() or not address.isascii():
        return raw.strip()
    at_home = country if not address.startswith("+") else None
    national = _at_home(address, at_home) if at_home else None
    abroad = "+" + address.lstrip("+0")
    found = national or _parse(abroad, None) or _respelled(abroad)
    possible = _possible(address, at_home) if at_home else None
    return found or (_canonical(possible) if possible else None) or _unplanned(abroad) or address.lstrip("+")


def _at_home(address: str, country: str) -> str | None:
    """A number as it is dialled in a country; with its code in front where only so it is a mobile one.

    Some plans know the same digits as a number of a small town, which nobody texts from.
    """
    national = _parse(address, country)
    code = str(phonenumbers.country_code_for_region(country))
    if national is None or not address.startswith(code):
        return national
    whole = _parse(f"+{address}", None)
    return whole if whole is not None and _is_mobile(whole) and not _is_mobile(national) else national


def _is_mobile(address: str) -> bool:
    return phonenumbers.number_type(phonenumbers.parse(address, None)) == phonenumbers.PhoneNumberType.MOBILE


def _unplanned(address: str) -> str | None:
    """A number that no plan knows, as long as one with its country code: plans grow, and whoever has it may text us."""
    return address if _E164.fullmatch(address) and len(address) > _LEAST else None


def _canonical(address: str) -> str:
    """The one spelling of a number with its country code; as it is where it cannot be another."""
    return _parse(address, None) or _respelled(address) or address


def _respelled(address: str) -> str | None:
    """A number that no plan knows as it is written, without what people and networks put into it; None otherwise.

    That is a trunk zero behind the country code (``+44 07…``, ``+48 06…``), and the mobile digit that Mexico gave up in
    2019 (``+52 1 …``).
    """
    mexican = _OLD_MEXICAN.fullmatch(address)
    if mexican is not None:
        return "+52" + mexican[1]
    try:
        number = phonenumbers.parse(address, None)
    except phonenumbers.NumberParseException:
        return None
    code = str(number.country_code)
    bare = f"+{code}{address[1 + len(code) :].lstrip('0')}"
    if bare == address:
        return None
    region = phonenumbers.region_code_for_country_code(number.country_code or 0)
    trunk = phonenumbers.ndd_prefix_for_region(region, True)
    return _parse(bare, None) or (_possible(bare, None) if trunk == "0" else None)


def _possible(address: str, country: str | None) -> str | None:
    """A number as long as numbers are there, though nobody knows that it is given to anybody."""
    try:
        number = phonenumbers.parse(address, country)
    except phonenumbers.NumberParseException:
        return None
    reason = phonenumbers.is_possible_number_with_reason(number)
    if len(address) < _LEAST or reason != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _parse(address: str, country: str | None) -> str | None:
    try:
        number = phonenumbers.parse(address, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    found = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    argentine = _ARGENTINE.fullmatch(found)  # dialled at home without the 9 that calls from abroad need
    return f"+549{argentine[1]}" if argentine is not None else found


def is_number(address: str) -> bool:
    """Whether it is a phone number in E.164 spelling (not a short code or a name)."""
    return _E164.fullmatch(address) is not None


def is_short_code(address: str) -> bool:
    """Whether it is a short code: three to eight digits."""
    return address.isascii() and address.isdigit() and 3 <= len(address) <= 8


def asked(written: str, country: str | None = None) -> str:
    """The address that somebody wants us to write to, in its one spelling.

    A number that was cut short (``+48600``) stays as it is written, and can receive nothing: what has a plus is no
    short code. Networks write one so; see `normalise`.
    """
    found = normalise(written, country)
    return written.strip() if is_short_code(found) and "+" in written else found


def can_receive(address: str) -> bool:
    """Whether a person can text back to it; an alphanumeric sender cannot be answered."""
    return is_number(address) or is_short_code(address)


@lru_cache(maxsize=65_536)
def is_costly(address: str) -> bool:
    """Whether a text to it costs many times the usual: a premium number, a satellite phone, an international network.

    ITU-T E.164.2 (Operational Bulletin): +870 Inmarsat, +878, +881, +882 and +883 networks, +979 premium rate, +888.
    """
    if not is_number(address):
        return False
    if address.startswith(_NETWORKS):
        return True
    code = _country_code(address)
    premium = _premium(code) if code else None
    return premium is not None and premium.fullmatch(address, 1 + len(code)) is not None


@lru_cache(maxsize=65_536)
def mask(address: str) -> str:
    """The address for logs and pages: country and the last three digits, ``+48•••200``."""
    if is_number(address):
        return f"+{_country_code(address)}•••{address[-3:]}"
    return address if is_short_code(address) else address[:1] + "•••"


def masked(words: str) -> str:
    """A provider's words without what may be a number or a code."""
    return _DIGITS.sub("•••", words)


def _country_code(address: str) -> str:
    """The calling code that a number begins with; no code is the beginning of another. Empty for one without."""
    return next((address[1:n] for n in (2, 3, 4) if address[1:n] in _CODES), "")


@cache
def _premium(code: str) -> re.Pattern[str] | None:
    """The premium rate numbers of all countries with this calling code, without it."""
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[int(code)]
    found = [phonenumbers.PhoneMetadata.metadata_for_region(r, None) for r in regions if r != "001"]
    patterns = [m.premium_rate.national_number_pattern for m in found if m is not None and m.premium_rate is not None]
    return re.compile("|".join(f"(?:{p})" for p in patterns if p)) if any(patterns) else None


@lru_cache(maxsize=1024)
def country(address: str) -> str | None:
    """The country of a number in E.164 spelling (ISO 3166-1 alpha-2); None where it has none or many."""
    try:
        region = phonenumbers.region_code_for_number(phonenumbers.parse(address, None))
    except phonenumbers.NumberParseException:
        return None
    return region if region and region != "001" else None


@lru_cache(maxsize=4096)
def zones(address: str) -> tuple[str, ...]:
    """The time zones (IANA) that a number may be of, as libphonenumber knows areas; empty where it knows none."""
    try:
        found = timezone.time_zones_for_number(phonenumbers.parse(address, None))
    except phonenumbers.NumberParseException:
        return ()
    return () if timezone.UNKNOWN_TIMEZONE in found else tuple(found)


def dialled(written: str, country: str | None = None) -> str | None:
    """The number that a person wrote, E.164; None where no such number can be in its country.

    Numbers that are long enough but not assigned yet are taken: numbering plans grow.
    """
    digits = _SEPARATORS.sub("", written)
    found = _parse_possible(digits, country)
    if found is None and country and not digits.startswith("+"):  # with the country's code, without the plus
        found = _parse_possible(f"+{digits}", None)
        found = found if found is not None and found.country_code == _code_of(country) else None
    return phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164) if found is not None else None


def _parse_possible(digits: str, country: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        number = phonenumbers.parse(digits, country)
    except phonenumbers.NumberParseException:
        return None
    length = phonenumbers.is_possible_number_for_type_with_reason(number, phonenumbers.PhoneNumberType.MOBILE)
    possible = length == phonenumbers.ValidationResult.IS_POSSIBLE and not number.italian_leading_zero
    fits = possible or phonenumbers.is_valid_number(number)
    return number if fits else None


def _code_of(country: str) -> int:
    return int(phonenumbers.country_code_for_region(country))
