"""handlers/lib/: what several programs use is linked into each of them, and is no program itself."""
import json
import subprocess

import pytest

from conftest import BUILD, Service, program


@pytest.fixture(scope="module")
def service(site, started):
    started.append(Service(site, ["greeter"], DATABASE_CONNECTION="persistent").start())
    return started[-1]


def test_a_parameter_a_schema_and_statements_are_shared(service):
    assert service.client.get("/greeter?name=Ada").json() == {"greeting": "Hello, Ada", "size": 3}
    assert service.client.get("/greeter").json()["errors"][0]["name"] == "name"
    assert service.client.get(f"/greeter?name={'a' * 101}").status == 422


def test_a_name_may_also_be_one_of_the_librarys_own(service):
    """text_is_digit() of the helper is that of the program; the library goes on with its own."""
    assert service.client.get("/greeter/brief").json()["greeting"] == "Hello, x"
    assert service.client.get("/greeter?name=Ada&number=7").status == 200
    assert service.client.get("/greeter?name=Ada&number=x").status == 422


def test_it_is_described_and_no_program():
    described = json.loads(subprocess.run([program("greeter"), "--openapi"], capture_output=True, check=True).stdout)
    assert "Greeting" in described["components"]["schemas"]
    assert not (BUILD / "tests" / "handlers" / "lib").exists() and not (BUILD / "tests" / "handlers" / "greeting").exists()
