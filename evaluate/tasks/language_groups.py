"""The papers' groups of languages: which of Tatoeba's languages an average in a table is of.

- `tatoeba14`: the first group of LaBSE's paper (Feng et al., arXiv 2007.01852, section 5): the languages of
  the multilingual Universal Sentence Encoder (Yang et al., arXiv 1907.04307, 16 with English and with Chinese
  twice), English left out.
- `tatoeba36`: the second group there, the languages of XTREME's Tatoeba (Hu et al., arXiv 2003.11080): those
  of `mock_test_data/labels/tatoeba` in github.com/google-research/xtreme.

No paper or repository that we found lists a group of 28 languages, so there is none here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from smaller_labse.common.errors import UsageError
from smaller_labse.corpora.languages import Language, parse_languages

GROUPS = {
    "tatoeba14": "ar,de,es,fr,it,ja,ko,nl,pl,pt,ru,th,tr,zh",
    "tatoeba36": "af,ar,bg,bn,de,el,es,et,eu,fa,fi,fr,he,hi,hu,id,it,ja,"
    "jv,ka,kk,ko,ml,mr,nl,pt,ru,sw,ta,te,th,tl,tr,ur,vi,zh",
}


def parse_group(given: str | os.PathLike[str] | Iterable[str]) -> list[Language]:
    """The languages of a group, or of a list as `parse_languages` reads it.

    Args:
        given: "tatoeba14" or "tatoeba36"; or codes or names, as a list or as text with commas between, or a
            file with one per line.

    Raises:
        UsageError: a group or a language is unknown, or there is no language at all.

    >>> len(parse_group("tatoeba14")), len(parse_group("tatoeba36")), len(parse_group("fr,de"))
    (14, 36, 2)
    """
    if isinstance(given, str) and re.fullmatch(r"tatoeba\w*", given) and given not in GROUPS:
        raise UsageError(f"--languages {given}: there is no such group; expected {' or '.join(GROUPS)}")
    return parse_languages(GROUPS.get(given, given) if isinstance(given, str) else given)
