"""The fixtures that guard other tests do guard."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest


def run(code, env):
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)


@pytest.mark.parametrize(
    "code",
    [
        "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)",
        "import socket; socket.create_connection(('example.invalid', 80), timeout=1)",
        "import urllib.request as u; u.urlopen('http://192.0.2.1', timeout=1)",
        "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('192.0.2.1', 9))",
    ],
)
def test_no_network_refuses_other_machines(no_network, code):
    done = run(code, no_network)
    assert done.returncode == 1
    assert "network blocked" in done.stderr


def test_no_network_lets_loopback_through(no_network):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"import socket; socket.create_connection(('127.0.0.1', {port})).close()"
        assert run(code, no_network).returncode == 0


def test_tests_never_touch_the_users_cache(tmp_path_factory):
    assert Path(os.environ["GRAPHLLM_CACHE"]).is_relative_to(tmp_path_factory.getbasetemp())
