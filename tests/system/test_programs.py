"""A program under each of its starters: the shell, CGI, spawn-fcgi. Its options, its start and its end."""
import json
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from env.local.endpoint import Endpoint, run_dir_for
from env.local.process import wait_until
from conftest import BUILD, CANARIES, ROOT, children, program, settled_children


def run(site, name, *arguments, body=b"", cwd=None, **settings):
    return subprocess.run([program(name), *arguments], input=body, capture_output=True, timeout=60, cwd=cwd,
                          env=site.environment(**settings), check=False)


def test_a_request_from_the_shell(site):
    done = run(site, "users", "GET", "/users?limit=2")
    head, _, body = done.stdout.decode().partition("\r\n\r\n")
    assert done.returncode == 0
    assert head.startswith("HTTP/1.1 200 OK\r\n") and "Content-Type: application/json" in head
    assert set(json.loads(body)) == {"items", "next"}


def test_a_body_from_standard_input(site):
    done = run(site, "users", "POST", "/users", body=b'{"email": "shell@example.com", "name": "Shell"}')
    assert done.returncode == 0 and done.stdout.startswith(b"HTTP/1.1 201 Created\r\n")


def test_a_refused_request_exits_with_1(site):
    done = run(site, "users", "GET", "/users/nobody")
    assert done.returncode == 1 and done.stdout.startswith(b"HTTP/1.1 422 ")


def test_head_from_the_shell_has_no_body(site):
    assert run(site, "root", "HEAD", "/").stdout.endswith(b"\r\n\r\n")


def test_a_response_that_cannot_be_written_exits_with_1(site):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([program("root"), "GET", "/"], stdout=full, stderr=subprocess.PIPE, timeout=60,
                              env=site.environment(), check=False)
    assert done.returncode == 1 and b'"event":"reply not sent"' in done.stderr


def test_a_body_that_cannot_be_read_is_refused(site):
    folder = os.open("/", os.O_RDONLY)
    try:
        done = subprocess.run([program("users"), "POST", "/users"], stdin=folder, capture_output=True, timeout=60,
                              env=site.environment(), check=False)
    finally:
        os.close(folder)
    assert done.returncode == 1 and done.stdout.startswith(b"HTTP/1.1 400 ") and b"Is a directory" in done.stdout


def test_cgi(site):
    body = b'{"word": "cgi"}'
    done = run(site, "probe", body=body, GATEWAY_INTERFACE="CGI/1.1", REQUEST_METHOD="POST", SCRIPT_NAME="/probe",
               PATH_INFO="/echo", CONTENT_TYPE="application/json", CONTENT_LENGTH=len(body))
    head, _, answer = done.stdout.decode().partition("\r\n\r\n")
    assert done.returncode == 0
    assert head.startswith("Status: 200 OK\r\n") and f"Content-Length: {len(answer)}" in head
    assert json.loads(answer)["word"] == "cgi"


def test_cgi_takes_no_arguments_for_a_request(site):
    """RFC 3875 4.4: a query without = may be passed as arguments."""
    done = run(site, "probe", "POST", "/probe/rows?label=by-cgi", GATEWAY_INTERFACE="CGI/1.1", REQUEST_METHOD="GET",
               REQUEST_URI="/probe/rows?POST+/probe/rows?label=by-cgi")
    assert done.stdout.startswith(b"Status: 422 ")
    assert site.query("SELECT count(*) FROM probe_rows WHERE label = 'by-cgi'") == [(0,)]


def test_cgi_with_wrong_settings_is_a_500(site):
    done = run(site, "probe", GATEWAY_INTERFACE="CGI/1.1", REQUEST_METHOD="GET", DATABASE_URL="nonsense")
    assert done.returncode == 78 and done.stdout.startswith(b"Status: 500 ")


def test_spawn_fcgi_can_start_it(site):
    folder = site.folder("spawn")
    path, pid_file = folder / "users.sock", folder / "pid"
    subprocess.run(["spawn-fcgi", "-s", path, "-P", pid_file, "--", program("users")], check=True,
                   env=site.environment(), capture_output=True)
    import fastcgi
    try:
        out, ended = fastcgi.ask(path, fastcgi.request("GET", "/users?limit=1"))
        assert out.startswith(b"Status: 200") and ended
    finally:
        pid = int(pid_file.read_text())
        os.kill(pid, signal.SIGTERM)
        wait_until("the program to end", lambda: not os.path.exists(f"/proc/{pid}/exe") or is_zombie(pid), 15)


def is_zombie(pid):
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0] == "Z"


@pytest.mark.parametrize("option, code", [("--version", 0), ("--help", 0), ("--openapi", 0), ("--nonsense", 64)])
def test_options_need_no_settings(option, code):
    done = subprocess.run([program("users"), option], capture_output=True, env={}, check=False)
    assert done.returncode == code
    assert bool(done.stdout) == (code == 0)


def test_without_arguments_and_socket_it_prints_its_usage():
    done = subprocess.run([program("users")], capture_output=True, env={}, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 64 and b"usage:" in done.stderr


def test_openapi_describes_the_table():
    document = json.loads(subprocess.run([program("users"), "--openapi"], capture_output=True, check=True).stdout)
    assert document["openapi"] == "3.1.0"
    assert {path: set(methods) for path, methods in document["paths"].items()} == {
        "/users": {"get", "post"}, "/users/{id}": {"get", "patch", "delete"},
        "/users/{id}/quiz-responses": {"get"}}
    body = document["paths"]["/users"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["required"] == ["email", "name"] and body["additionalProperties"] is False


def test_settings_are_printed_with_their_source_and_without_secrets(site):
    text = run(site, "users", "--settings", APP_NAME="mine").stdout.decode()
    rows = {line.split()[0]: line for line in text.splitlines()}
    assert re.search(r"mine\s+\(environment\)", rows["APP_NAME"])
    assert re.search(r"\*\*\*\s+\(environment\)", rows["DATABASE_URL"])
    assert "testing.env" in rows["DATABASE_CONNECT_TIMEOUT"] and "(default)" in rows["CACHE_TTL"]
    for canary in CANARIES:
        assert canary not in text


def test_all_wrong_settings_are_named_together_and_no_value_is_quoted(site):
    done = run(site, "users", "--settings", DATABASE_URL="postgresql://u:canary9@h:x/d", DATABASE_POOL_SIZE="many",
               LOG_LEVEL="loud", REDIS_URL="http://canary9", ENV="moon")
    text = done.stderr.decode()
    assert done.returncode == 78
    for name in ("DATABASE_URL", "DATABASE_POOL_SIZE", "LOG_LEVEL", "REDIS_URL", "ENV"):
        assert f"{name}: " in text
    for value in ("canary9", "many", "loud", "moon"):
        assert value not in text


@pytest.mark.parametrize("query", ["?sslmode=disable", "?sslmode=prefer", "?ssl=disable"])
def test_production_refuses_a_weak_sslmode(site, query):
    done = run(site, "users", "--settings", ENV="production", DATABASE_URL=site.url(query=query))
    assert done.returncode == 78 and b"sslmode" in done.stderr


def test_production_refuses_a_file_that_others_can_read(site):
    path = site.folder("dotenv") / ".env"
    path.write_text(f"ENV=production\nDATABASE_URL={site.url()}\n")
    settings = {"NULLPOOL_ENV_FILE": path, "DATABASE_URL": None, "MIGRATION_DATABASE_URL": None}
    path.chmod(0o644)
    assert b"is accessible to other users" in run(site, "users", "--settings", **settings).stderr
    path.chmod(0o600)
    assert run(site, "users", "--settings", **settings).returncode == 0
    path.unlink()


@pytest.mark.parametrize("what, says", [
    ("missing", "DATABASE_URL: is required"), ("no file", "No such file"), ("a folder", "Is a directory"),
    ("a ring", "Too many levels of symbolic links"), ("not ours to read", "Permission denied"), ("no text", "not UTF-8 text"),
])
def test_settings_that_cannot_be_read_exit_with_78_and_a_sentence(site, what, says):
    folder = site.folder("unreadable")
    path = folder / ".env"
    settings = {"NULLPOOL_ENV_FILE": path, "DATABASE_URL": None, "MIGRATION_DATABASE_URL": None}
    command = [shutil.copy(program("users"), folder), "--settings"]  # other users can read it there
    if what == "missing":
        path.write_text("ENV=testing\n")
    elif what == "a folder":
        path.mkdir()
    elif what == "a ring":
        path.symlink_to(path)
    elif what == "not ours to read":
        path.write_text(f"DATABASE_URL={site.url()}\n")
        path.chmod(0)
        if os.geteuid() == 0:
            command = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--", *command]
    elif what == "no text":
        path.write_bytes(b"APP_NAME=\xff\xfe\n")
    done = subprocess.run(command, env=site.environment(**settings), capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (78, "") and says in done.stderr, done.stderr
    if what == "not ours to read":
        path.unlink()  # it contains secrets


def test_a_dotenv_in_the_working_directory_is_found(site):
    folder = site.folder("working-directory")
    (folder / ".env").write_text("APP_NAME='from dotenv'\n")
    done = run(site, "root", "GET", "/", cwd=folder, NULLPOOL_ENV_FILE=None)
    assert b'"message":"from dotenv"' in done.stdout


def test_a_program_with_wrong_settings_does_not_serve(site):
    folder = site.folder("wrong-settings")
    with open(folder / "programs.log", "ab") as log:
        environment = site.environment(DATABASE_URL="nonsense")
        endpoint = Endpoint("users", program("users"), run_dir_for(folder), environment, log)
        endpoint.start()
        wait_until("the program to end", lambda: not endpoint.running, 10)
        endpoint.close()
    assert endpoint.returncode == 78
    line = json.loads((folder / "programs.log").read_text().splitlines()[0])
    assert line["event"] == "wrong setting" and line["detail"].startswith("DATABASE_URL: ")


def test_the_start_is_logged_with_a_redacted_url_and_the_servers_versions(serve):
    service = serve("users")
    wait_until("the start-up check", lambda: service.lines(event="database connected"), 10)
    started, connected = service.lines(event="started")[0], service.lines(event="database connected")[0]
    assert started["environment"] == "testing" and started["mode"] == "null" and started["pool_size"] == 1
    assert started["database"].startswith("postgresql://app_user:***@127.0.0.1:")
    assert connected["server_version"][0].isdigit() and connected["tls"].startswith("TLSv1.")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_exits_with_0_and_leaves_no_worker(serve, number):
    service = serve("users", DATABASE_POOL_SIZE=4)
    endpoint = service.endpoints["users"]
    workers = settled_children(endpoint.pid, 4)
    endpoint.stop(number)
    assert endpoint.returncode == 0
    assert not any(os.path.exists(f"/proc/{pid}") for pid in workers)
    assert service.lines(event="stopped")


@pytest.mark.long
def test_workers_do_not_outlive_a_master_that_is_killed(serve):
    endpoint = serve("users", DATABASE_POOL_SIZE=4).expect_deaths().endpoints["users"]
    workers = settled_children(endpoint.pid, 4)
    os.kill(endpoint.pid, signal.SIGKILL)
    wait_until("the workers to end", lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers), 10)


def test_each_request_gets_a_process_if_the_setting_says_so(serve):
    service = serve("root", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0, WORKER_MAX_REQUESTS=1)
    pids = {service.line_of(service.client.get("/"))["pid"] for _ in range(3)}
    assert len(pids) == 3 and not service.lines(event="worker died")


def test_debug_logs_statements_without_their_values(serve):
    service = serve("users", DEBUG="true")
    answer = service.client.post("/users", {"email": "debug-7d1f@example.com", "name": "Value 7d1f"})
    assert answer.status == 201
    service.line_of(answer)
    statements = [line for line in service.lines(event="statement") if "INSERT INTO users" in line["sql"]]
    assert statements and statements[0]["duration_ms"] >= 0
    assert "7d1f" not in service.log_path.read_text()


def test_a_killed_client_does_not_disturb_the_next(null):
    import socket
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", null.client.port)) as link:
            link.sendall(b"GET /probe/sleep?seconds=0.2 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    time.sleep(0)
    assert null.client.get("/probe/session").status == 200


def test_every_setting_is_in_the_readme_and_in_each_env_file(site):
    names = [line.split()[0] for line in run(site, "users", "--settings").stdout.decode().splitlines()]
    assert len(names) > 25
    readme = (ROOT / "README.md").read_text()
    for name in names:
        assert f"`{name}`" in readme, name
    for file in ("development.env", "testing.env", "production.env.example"):
        text = (ROOT / "env" / file).read_text()
        missing = [name for name in names if not re.search(rf"^#?{name}=", text, re.M)]
        unknown = [name for name in re.findall(r"^#?([A-Z_]+)=", text, re.M) if name not in names]
        assert (missing, unknown) == ([], []), file


def test_a_misspelled_setting_is_named_with_the_one_that_was_meant(site):
    done = run(site, "users", "--settings", DATABSE_POOL_SIZE=3)
    assert done.returncode == 0 and done.stderr == b"DATABSE_POOL_SIZE: is not a setting; did you mean DATABASE_POOL_SIZE? (environment)\n"
    path = site.folder("misspelled") / ".env"
    path.write_text("REQEST_TIMEOUT=3\n")
    done = run(site, "users", "--settings", NULLPOOL_ENV_FILE=path)
    assert done.returncode == 78 and done.stderr.startswith(b"REQEST_TIMEOUT: is not a setting; did you mean REQUEST_TIMEOUT?")


def test_an_env_file_may_refer_to_variables(site):
    path = site.folder("references") / ".env"
    path.write_text("ENV=testing\nHOST_OF_DATABASE=127.0.0.1\nDATABASE_URL=postgres://u:${DB_PASS}@${HOST_OF_DATABASE}:${DB_PORT_OF:-5433}/d\n")
    settings = {"NULLPOOL_ENV_FILE": path, "DATABASE_URL": None, "MIGRATION_DATABASE_URL": None}
    done = subprocess.run([BUILD / "conninfo"], env=site.environment(DB_PASS="p${x}", **settings), capture_output=True, check=True)
    said = json.loads(done.stdout)
    assert (said["password"], said["host"], said["port"]) == ("p${x}", "127.0.0.1", "5433")
    done = run(site, "users", "--settings", **settings)
    assert done.returncode == 78 and done.stderr.startswith(b"DATABASE_URL: has a ${...} of a variable that is not set")


def test_the_production_example_is_accepted(site):
    path = site.folder("production-example") / "production.env"
    path.write_text((ROOT / "env" / "production.env.example").read_text())
    path.chmod(0o600)
    settings = {"NULLPOOL_ENV_FILE": path, "DATABASE_URL": None, "MIGRATION_DATABASE_URL": None, "REDIS_URL": None,
                "SECRET_KEY": None}
    done = run(site, "users", "--settings", **settings)
    assert done.returncode == 0, done.stderr
    done = subprocess.run([BUILD / "conninfo"], env=site.environment(**settings), capture_output=True, check=True)
    assert json.loads(done.stdout)["channel_binding"] == "require"
