"""Python is as quiet as the commands: no library's log lines on standard error, only our own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

SCRIPT = """
import sys
from pathlib import Path
import smaller_labse

model, text, counts, selection, out = map(Path, sys.argv[1:])
if __name__ == "__main__":
    {call}
"""
OURS = (
    "loading ",
    "trimming the embedding matrix",
    "writing ",
    "verifying ",
    "too little text was counted",
    "warning: ",
)


@pytest.mark.parametrize(
    "call",
    [
        "smaller_labse.SentenceEncoder; from smaller_labse.encoders.load import load; load(model); "
        "smaller_labse.load(model).encode(['Hello.']); assert 'keras' not in sys.modules; "
        "import tensorflow, tensorflow_text; tensorflow_text.keras.layers.ToDense, tensorflow.keras.layers.Dense",
        "smaller_labse.count(model, text={'en': text / 'en.txt', 'it': out.parent / 'it.parquet'}, out=out / 'counts'); "
        "smaller_labse.select(model, counts, out=out / 'selection'); "
        "assert not {'pandas', 'tensorflow'} & set(sys.modules)",
        "smaller_labse.make_smaller(model, selection, out / 'model')",
        "smaller_labse.compare(model, parallel=f'en={text}/en.txt,it={text}/it.txt')",
    ],
)
def test_a_plain_script_prints_no_log_lines(example, counted, text_files, tmp_path, call):
    from smaller_labse.select_vocab.select import select

    select(example, counted, out=tmp_path / "selection")
    pq.write_table(pa.table({"text": ["Ciao a tutti.", "Buona giornata."]}), tmp_path / "it.parquet")
    (tmp_path / "script.py").write_text(SCRIPT.format(call=call), encoding="utf-8")
    places = [example, text_files, counted, tmp_path / "selection", tmp_path / "out"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TF_CPP")}
    run = subprocess.run(
        [sys.executable, tmp_path / "script.py", *map(str, places)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout) == (0, ""), run.stderr
    assert [line for line in run.stderr.splitlines() if not line.startswith(OURS)] == []
    assert "smaller_labse.load" not in call or run.stderr == ""
    assert Path(tmp_path / "out").exists() == ("out=out" in call or "out /" in call)
