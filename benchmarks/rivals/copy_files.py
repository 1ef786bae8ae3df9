"""Copy a model's files, byte by byte.

python copy_files.py MODEL OUT
"""

from __future__ import annotations

import shutil
import sys

shutil.copytree(sys.argv[1], sys.argv[2])
