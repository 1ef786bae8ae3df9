"""Results as files: JSON for programs, Markdown for people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from smaller_labse.common.errors import UsageError
from smaller_labse.common.outputs import new_file, require_absent
from smaller_labse.common.tables import Table


def require_places(json_file: Path | None, markdown_file: Path | None, overwrite: bool) -> None:
    """Refuse files that may not be written, before any work is done.

    Raises:
        UsageError: both are the same file.
        SmallerLabseError: one exists and may not be replaced.
    """
    for file in (json_file, markdown_file):
        if file is not None:
            require_absent(file, overwrite)
    if json_file is not None and markdown_file is not None and json_file.resolve() == markdown_file.resolve():
        raise UsageError(f"--json and --markdown name the same file, {json_file}")


def write_reports(
    data: dict[str, Any], table: Table, json_file: Path | None, markdown_file: Path | None, overwrite: bool
) -> None:
    """Write the files that are wanted.

    Args:
        data: plain data, for `json_file`.
        table: the same for people, for `markdown_file`.
        json_file: None for no such file.
        markdown_file: likewise.
        overwrite: replace earlier ones.

    Raises:
        SmallerLabseError: a file exists and may not be replaced.
    """
    if json_file is not None:
        with new_file(json_file, overwrite) as partial:
            text = json.dumps(data, ensure_ascii=False, allow_nan=False, indent=2)
            partial.write_text(text + "\n", encoding="utf-8")
    if markdown_file is not None:
        with new_file(markdown_file, overwrite) as partial:
            partial.write_text(table.markdown(), encoding="utf-8")
