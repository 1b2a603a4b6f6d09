"""Loaded by `-p` before Django's settings are: the tests keep everything in a folder of their own, never in yours."""

import hashlib
import os
import sys
import tempfile

base = os.environ.setdefault("KINOSCOPE_TESTS_TMP", tempfile.gettempdir())  # the processes of a run share it
home = tempfile.mkdtemp(prefix="kinoscope-tests-", dir=base)
os.environ["KINOSCOPE_HOME"] = home
# Weights are joined and exported once for all processes that test this checkout; each is checked when it is loaded.
checkout = hashlib.sha256(__file__.encode()).hexdigest()[:12]
models = os.path.join(base, f"kinoscope-test-models-{checkout}")
os.makedirs(models, mode=0o700, exist_ok=True)
os.symlink(models, os.path.join(home, "models"))
os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.pop("KINOSCOPE_PROFILE", None)
# Hundreds of processes are started: each would compile torch and its friends anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
for kind in ("SEARCH", "ASK", "UPLOAD", "SIGN_IN"):  # test_safety counts; the others are in a hurry
    os.environ[f"KINOSCOPE_{kind}_LIMIT"] = "1000000/minute"
# Some tests look whether anything was left behind; other processes of the same run leave their own.
tempfile.tempdir = os.environ["TMPDIR"] = tempfile.mkdtemp(prefix="kt-", dir=base)
