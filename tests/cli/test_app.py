"""`tenfma app` starts on a machine that has never run Streamlit: no question is asked, and the page answers."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request


def test_answers_at_its_address_without_asking_anything(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from tenfma.cli import main; main()", "app", f"--port={port}"]
    environment = os.environ | {"HOME": str(tmp_path), "BROWSER": "true"}
    server = subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 120
        answer = b""
        while not answer and time.monotonic() < deadline and server.poll() is None:
            time.sleep(0.3)
            try:
                answer = urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=5).read()
            except OSError:
                continue
        assert answer == b"ok"
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


def test_where_no_server_can_listen_is_said_before_anything_is_loaded(capsys):
    from tenfma.cli import run

    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        taken = held.getsockname()[1]
        for address, port in (("127.0.0.1", taken), ("999.1.1.1", 8600), ("a" * 300, 8600)):
            assert run(["app", "--headless", "--address", address, "--port", str(port)]) == 2
            told = capsys.readouterr().err
            assert "cannot listen on" in told and told.count("\n") == 1
