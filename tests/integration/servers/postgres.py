"""A PostgreSQL of a test's own: a private cluster in a temporary folder, Debian's binaries."""

import atexit
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from servers.ports import free_port

START_SECONDS = 60


def binaries():
    """The newest of Debian's versions."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"),
                   key=lambda path: float(path.parts[-3]))
    assert found, "PostgreSQL is not installed: apt-get install postgresql"
    return found[-1].parent


class Postgres:
    """Listens on 127.0.0.1:port and on a socket in `sockets`. The superuser is "postgres" with
    PASSWORD; `durable=False` where no test pulls the plug. `tls`: (certificate, key) files;
    `client_ca`: clients over TCP need a certificate of this authority too."""

    PASSWORD = "superuser-secret"

    def __init__(self, durable=True, tls=None, settings=None, client_ca=None):
        self.bin = binaries()
        self.folder = Path(tempfile.mkdtemp(prefix="logster-pg-", dir=self._top()))
        self.data = self.folder / "data"
        self.sockets = self.folder
        self.log = self.folder / "log"
        self.port = free_port()
        self.process = None
        self.settings = {"listen_addresses": "127.0.0.1", "port": self.port,
                         "unix_socket_directories": str(self.sockets), "shared_buffers": "32MB",
                         "max_connections": 60, "autovacuum_naptime": "20s",
                         # in the folder, and so gone with it when the server is killed
                         "dynamic_shared_memory_type": "mmap", "logging_collector": "off", "log_min_messages": "warning",
                         **(settings or {})}
        if not durable:
            self.settings |= {"fsync": "off", "synchronous_commit": "off",
                              "full_page_writes": "off"}
        atexit.register(self.close)  # a test that fails leaves nothing running
        self.user = None if os.geteuid() != 0 else pwd.getpwnam("postgres")
        self._own(self.folder)
        self.folder.chmod(0o755)
        password = self.folder / "password"
        password.write_text(self.PASSWORD + "\n")
        self._own(password)
        self._run(self.bin / "initdb", "-D", self.data, "-U", "postgres", "-E", "UTF8",
                  "--locale=C", "--auth=scram-sha-256", f"--pwfile={password}", "--no-sync",
                  "--no-instructions")
        if tls:
            files = {"server.crt": tls[0], "server.key": tls[1]}
            if client_ca:
                files["client_ca.crt"] = client_ca
                self.settings["ssl_ca_file"] = "client_ca.crt"
            for name, source in files.items():
                target = self.data / name
                shutil.copyfile(source, target)
                target.chmod(0o600)
                self._own(target)
            self.settings["ssl"] = "on"
            (self.data / "pg_hba.conf").write_text(
                "local all all scram-sha-256\nhostssl all all 127.0.0.1/32 scram-sha-256"
                + (" clientcert=verify-ca\n" if client_ca else "\n"))
        with open(self.data / "postgresql.conf", "a", encoding="utf-8") as conf:
            for key, value in self.settings.items():
                conf.write(f"{key} = '{value}'\n")

    @staticmethod
    def _top():
        """In memory where there is such a folder: setting up a cluster writes 40 MB."""
        return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

    def _own(self, path):
        if self.user:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def _as_user(self):
        if not self.user:
            return {}
        return {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}

    def _run(self, *command):
        done = subprocess.run([str(x) for x in command], stdout=subprocess.PIPE, cwd="/",
                              stderr=subprocess.STDOUT, check=False, **self._as_user())
        assert done.returncode == 0, done.stdout.decode()

    def start(self):
        # The launcher's sanitizer settings and library paths are none of the server's.
        env = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(self.bin / "postgres"), "-D", str(self.data)], stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, cwd="/", env=env, start_new_session=True,
                **self._as_user())
        end = time.monotonic() + START_SECONDS
        while True:
            done = subprocess.run([str(self.bin / "pg_isready"), "-q", "-h", "127.0.0.1", "-p",
                                   str(self.port)], check=False)
            if done.returncode == 0:
                return self
            assert self.process.poll() is None, self.errors()
            assert time.monotonic() < end, self.errors()
            time.sleep(0.05)

    def errors(self):
        return self.log.read_text(errors="replace")[-8000:]

    def _signal(self, what):
        if self.process is None:
            return
        if self.process.poll() is None:
            os.kill(self.process.pid, what)
        self.process.wait(30)
        self.process = None

    def stop(self):
        """An orderly end: waits for nobody, keeps everything (fast shutdown)."""
        self._signal(signal.SIGINT)

    def kill(self):
        """As a crash: the whole family at once, as a power cut would take it."""
        if self.process is None:
            return
        for pid in self._family():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(30)
        self.process = None
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def freeze(self):
        """Alive for the kernel, but silent."""
        for pid in self._family():
            os.kill(pid, signal.SIGSTOP)

    def thaw(self):
        for pid in self._family():
            os.kill(pid, signal.SIGCONT)

    def _family(self):
        """The server and its children."""
        found = [self.process.pid]
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = status.read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[1]) == self.process.pid:
                found.append(int(status.parent.name))
        return found

    def sql(self, text, user="postgres", password=None, dbname="postgres", check=True, options=""):
        """What psql prints, a row a line; with check=False (exit status, text)."""
        env = {"PATH": "/usr/bin:/bin", "PGPASSWORD": password or self.PASSWORD,
               "PGOPTIONS": options, "LANG": "C.UTF-8"}
        done = subprocess.run(
            [str(self.bin / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h",
             str(self.sockets), "-p", str(self.port), "-U", user, "-d", dbname, "-f", "-"],
            input=text.encode(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env,
            check=False)
        out = done.stdout.decode("utf-8", "replace").strip()
        if not check:
            return done.returncode, out
        assert done.returncode == 0, out
        return out

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()
