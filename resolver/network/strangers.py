"""Decides how the certificate of a server is read, which may hold anything: it is read, or it is not.

Rules: what the library thinks odd enough to warn about, such as a serial number below zero, is the server's own
business; a warning would name a line of ours to somebody who can change nothing about it. What the library refuses,
with whatever error, is told as one kind of error: octets of somebody else can break nothing here.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TypeVar

from cryptography.x509 import Certificate, load_der_x509_certificate

T = TypeVar("T")


def read(der: bytes, look: Callable[[Certificate], T]) -> T:
    """What `look` sees in the certificate `der`. Raises ValueError where there is none, or one that is too odd."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return look(load_der_x509_certificate(der))
    # Among them are TypeError, InvalidVersion and DuplicateExtension, which have nothing in common but this.
    except Exception as odd:
        raise ValueError(str(odd)) from None
