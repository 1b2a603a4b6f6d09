"""Loaded by `-p` before Django's settings are: the tests keep everything in a folder of their own, never in yours."""

import os
import sys
import tempfile

os.environ["KINOSCOPE_HOME"] = tempfile.mkdtemp(prefix="kinoscope-tests-")
os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.pop("KINOSCOPE_PROFILE", None)
# Hundreds of processes are started: each would compile torch and its friends anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
for kind in ("SEARCH", "ASK", "UPLOAD", "SIGN_IN"):  # test_safety counts; the others are in a hurry
    os.environ[f"KINOSCOPE_{kind}_LIMIT"] = "1000000/minute"
