"""Node.js programs that the tests drive: the official clients of shippers/package.json."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent / "shippers"


def node_modules():
    """`npm ci` beside the program, once for each state of the lock file."""
    folder = Path(os.environ["LOGSTER"]).resolve().parent / "shippers"
    lock = (HERE / "package-lock.json").read_bytes()
    state = hashlib.sha256(lock + (HERE / "package.json").read_bytes()).hexdigest()
    done = folder / "installed"
    with open(f"{folder}.lock", "wb") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        if not done.exists() or done.read_text() != state:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / name, folder)
            subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund",
                            "--loglevel=error"], cwd=folder, check=True, timeout=120)
            done.write_text(state)
    return folder / "node_modules"


def node(script, *args):
    """What the script printed."""
    done = subprocess.run(["node", HERE / script, *map(str, args)], capture_output=True, text=True,
                          timeout=60, check=False,
                          env={**os.environ, "NODE_PATH": str(node_modules())})
    assert done.returncode == 0, f"{script}: {done.stdout}{done.stderr}"
    return done.stdout
