"""Licences as the Hugging Face hub knows them: what the front matter of a model card may say.

The hub's list: https://huggingface.co/docs/hub/repositories-licenses. A licence that is not in it is called
"other" there, and by its own name in `license_name`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from smaller_labse.common.errors import UsageError

HUB_LICENSES = frozenset(
    [
        "afl-3.0",
        "agpl-3.0",
        "apache-2.0",
        "artistic-2.0",
        "bigcode-openrail-m",
        "bigscience-bloom-rail-1.0",
        "bigscience-openrail-m",
        "bsd",
        "bsd-2-clause",
        "bsd-3-clause",
        "bsd-3-clause-clear",
        "bsl-1.0",
        "c-uda",
        "cc",
        "cc-by-2.0",
        "cc-by-2.5",
        "cc-by-3.0",
        "cc-by-4.0",
        "cc-by-nc-2.0",
        "cc-by-nc-3.0",
        "cc-by-nc-4.0",
        "cc-by-nc-nd-3.0",
        "cc-by-nc-nd-4.0",
        "cc-by-nc-sa-2.0",
        "cc-by-nc-sa-3.0",
        "cc-by-nc-sa-4.0",
        "cc-by-nd-4.0",
        "cc-by-sa-3.0",
        "cc-by-sa-4.0",
        "cc0-1.0",
        "cdla-permissive-1.0",
        "cdla-permissive-2.0",
        "cdla-sharing-1.0",
        "creativeml-openrail-m",
        "deepfloyd-if-license",
        "ecl-2.0",
        "epl-1.0",
        "epl-2.0",
        "etalab-2.0",
        "eupl-1.1",
        "gemma",
        "gfdl",
        "gpl",
        "gpl-2.0",
        "gpl-3.0",
        "isc",
        "lgpl",
        "lgpl-2.1",
        "lgpl-3.0",
        "lgpl-lr",
        "llama2",
        "lppl-1.3c",
        "mit",
        "mpl-2.0",
        "ms-pl",
        "ncsa",
        "odbl",
        "odc-by",
        "ofl-1.1",
        "openrail",
        "openrail++",
        "osl-3.0",
        "pddl",
        "postgresql",
        "unlicense",
        "wtfpl",
        "zlib",
    ]
)
NO_NAMES = ("other", "unknown", "none")
OWN_NAME = re.compile(r"[a-z0-9][a-z0-9.+-]*")
EXPECTED = (
    "expected a licence that the Hugging Face hub or SPDX knows, such as apache-2.0, or a name of your own, "
    "of letters, digits, '.', '+' and '-'"
)


def license_entries(name: str) -> dict[str, str]:
    """What a card's front matter says of a licence that a user named.

    Args:
        name: an id of the hub's or of SPDX's (https://spdx.org/licenses), in upper or lower case, or a name
            of the user's own, of letters, digits, ".", "+" and "-".

    Raises:
        UsageError: it is no name, or one that is known is meant by it, as it looks.

    >>> license_entries("MIT"), license_entries("our-license-2")
    ({'license': 'mit'}, {'license': 'other', 'license_name': 'our-license-2'})
    >>> license_entries("MTI")
    Traceback (most recent call last):
    smaller_labse.common.errors.UsageError: --license MTI: there is no such licence; did you mean mit?
    """
    given = name.strip().lower()
    if given in HUB_LICENSES:
        return {"license": given}
    if not _is_spdx(given):
        near = _near(given)
        if near is not None:
            raise UsageError(f"--license {name}: there is no such licence; did you mean {near}?")
        if given in NO_NAMES or not OWN_NAME.fullmatch(given):
            raise UsageError(f"--license {name}: {EXPECTED}")
    return {"license": "other", "license_name": given}


def license_name(entries: Mapping[str, Any]) -> Any:
    """What a licence is called by a card's entries for it; None where they state none.

    >>> license_name(license_entries("our-license-2"))
    'our-license-2'
    """
    return entries.get("license_name") or entries.get("license")


def _is_spdx(name: str) -> bool:
    try:
        canonicalize_license_expression(name)
    except InvalidLicenseExpression:
        return False
    return bool(OWN_NAME.fullmatch(name))  # and no "mit or apache-2.0"


def _near(name: str) -> str | None:
    """The licence that is meant by a name that is as long but for one letter, signs between words aside."""
    letters = _letters(name)
    known = {_letters(one): one for one in sorted(HUB_LICENSES.difference(NO_NAMES))}
    alike = [one for one in known if abs(len(one) - len(letters)) <= 1]
    near = difflib.get_close_matches(letters, alike, n=1)
    return known[near[0]] if near else None


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name)
