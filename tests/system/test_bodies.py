"""Bodies that are not one flat object: bytes, JSON as a whole, objects in a table, files, and larger ones."""
import base64
import hashlib
import hmac
import json
import os
import subprocess
import time
import uuid

import pytest

from conftest import BUILD, EITHER, Service, program
from multipart import Multipart, field, file_part

BYTES = bytes(range(256)) * 3 + b"\0\r\n--x\r\n\xff"


@pytest.fixture(scope="module", params=EITHER)
def service(request, site, started):
    started.append(Service(site, ["bodies"], DATABASE_CONNECTION=request.param).start())
    return started[-1]


def md5(content):
    return hashlib.md5(content).hexdigest()


def send(service, path, body, media_type=None, **headers):
    return service.client.ask("POST", path, body, {**({"Content-Type": media_type} if media_type else {}), **headers})


# --- bytes ---


@pytest.mark.parametrize("media_type", [None, "application/json", "text/plain", "image/png", "x/y; charset=latin1", "multipart/form-data",
                                        "application/x-www-form-urlencoded"])
@pytest.mark.parametrize("body", [b"", b"{", BYTES, b"\0", b"a" * 100000], ids=["none", "broken JSON", "all bytes", "a NUL", "100 kB"])
def test_bytes_are_as_they_came(service, media_type, body):
    answer = send(service, "/bodies/raw", body, media_type)
    assert answer.status == 201 and answer.json() == {"md5": md5(body), "size": len(body)}


def test_an_encoding_is_not_undone(service):
    answer = send(service, "/bodies/raw", BYTES, "application/json", **{"Content-Encoding": "gzip"})
    assert answer.json() == {"md5": md5(BYTES), "size": len(BYTES)}


def test_a_key_is_of_the_bytes(service):
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first = send(service, "/bodies/raw", BYTES, **key)
    again = send(service, "/bodies/raw", BYTES, **key)
    assert again.json() == first.json() and again.headers["idempotency-replayed"] == "true"
    for other in BYTES + b"\0", BYTES[:-1], b"":
        assert send(service, "/bodies/raw", other, **key).status == 422


# --- signatures ---


def test_the_example_of_github(service):
    """docs.github.com: Validating webhook deliveries."""
    right = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    for signature in f"sha256={right}", f"sha256={right.upper()}":
        assert send(service, "/bodies/github", b"Hello, World!", **{"X-Hub-Signature-256": signature}).json() == {"size": 13}
    for signature in (f"sha256={right[:-1]}f", f"sha256={right[:-2]}", f"sha256={right}00", right, f"sha1={right}", "sha256=", "",
                      f"sha256= {right}", f"sha256={'0' * 64}", f"sha256={'g' * 64}", None):
        headers = {"X-Hub-Signature-256": signature} if signature is not None else {}
        answer = send(service, "/bodies/github", b"Hello, World!", **headers)
        assert answer.status == 401 and answer.json()["detail"] == "The signature is wrong", signature
    for body in b"Hello, World", b"Hello, World!\n", b"Hello, World!\0", b"":
        assert send(service, "/bodies/github", body, **{"X-Hub-Signature-256": f"sha256={right}"}).status == 401, body


def test_a_signature_in_stripes_form(service):
    """docs.stripe.com: t is the time, and each v1 the HMAC of "t.body" with one secret that is valid now."""
    body, now = b'{\n  "id": "evt_test_webhook",\n  "object": "event"\n}', str(int(time.time()))
    right = hmac.new(b"whsec_test_secret", f"{now}.".encode() + body, hashlib.sha256).hexdigest()
    for signature in (f"t={now},v1={right}", f"t={now},v1={'0' * 64},v1={right}", f"t={now},v0={'0' * 64},v1={right},v0=x"):
        assert send(service, "/bodies/stripe", body, "application/json", **{"Stripe-Signature": signature}).status == 200, signature
    for signature in (f"t={now},v0={right}", f"t={int(now) + 1},v1={right}", f"v1={right}", f"t={now}", "", f"t={now},v1={right[1:]}"):
        assert send(service, "/bodies/stripe", body, "application/json", **{"Stripe-Signature": signature}).status == 401, signature


def test_the_reference_of_standard_webhooks(service):
    """github.com/standard-webhooks: the key is base64, and so is the signature."""
    sent = {"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330"}
    right = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert send(service, "/bodies/standard", b'{"test": 2432232314}', **sent, **{"webhook-signature": right}).status == 200
    for wrong in right[:-1], right + "=", right.replace("+", "-"), right.replace("g0", "g1"), "v1,", "v1," + base64.b64encode(b"x").decode():
        assert send(service, "/bodies/standard", b'{"test": 2432232314}', **sent, **{"webhook-signature": wrong}).status == 401, wrong


# --- JSON as a whole ---


@pytest.mark.parametrize("document", ["null", "true", "7", '"x"', "[]", '{"a": [1, {"b": null}]}', ' [1,\n 2] ', '"\\u00fc"', "1e3"])
@pytest.mark.parametrize("media_type", ["application/json", "application/cloudevents+json", "Application/LD+JSON; charset=utf-8"])
def test_json_is_any_value(service, document, media_type):
    answer = send(service, "/bodies/json", document, media_type)
    assert answer.status == 201 and answer.json() == {"value": json.loads(document)}


@pytest.mark.parametrize("document", ["", "{", "[1,]", "NaN", '{"a":1,"a":2}', '"\\u0000"', "1 2", b'"\xff"', "[" * 20 + "]" * 20])
def test_what_is_not_json_is_malformed(service, document):
    answer = send(service, "/bodies/json", document, "application/json")
    assert answer.status == 400, answer


@pytest.mark.parametrize("media_type", [None, "text/plain", "json", "application/jsonx", "+json", "application/json+xml"])
def test_another_media_type_is_refused(service, media_type):
    assert send(service, "/bodies/json", "{}", media_type).status == 415
    assert send(service, "/bodies/json", "{}", "application/json", **{"Content-Encoding": "gzip"}).status == 415


def test_a_key_is_of_the_value_and_not_of_its_spelling(service):
    key = {"Idempotency-Key": str(uuid.uuid4())}
    assert send(service, "/bodies/json", '{"a": 1.0, "b": "\\u0041"}', "application/json", **key).status == 201
    again = send(service, "/bodies/json", '{ "b":"A", "a":1 }', "application/merge-patch+json", **key)
    assert again.status == 201 and again.headers["idempotency-replayed"] == "true"
    assert send(service, "/bodies/json", '{"a": 2, "b": "A"}', "application/json", **key).status == 422


# --- objects in a table ---

ITEM = {"sku": "A-1"}


def order(service, items, path="/bodies/orders"):
    return service.client.post(path, {"items": items})


def test_a_list_of_objects_is_one_jsonb(service):
    door = "2026-01-31T23:59:59Z"
    answer = order(service, [{"sku": "A-1"}, {"sku": "B", "quantity": 2.0, "price": 1e2, "at": door, "tags": ["x", "ü\"\\"],
                                              "size": {"width": 3}, "gift": {"a": [1, None]}},
                             {"sku": "C", "price": None, "size": None, "gift": None, "tags": []}])
    assert answer.status == 201, answer
    empty = dict.fromkeys(("price", "at", "size", "tags", "gift"))
    assert answer.json()["lines"] == [
        {**empty, "sku": "A-1", "quantity": 1},
        {"sku": "B", "quantity": 2, "price": 100, "at": answer.json()["lines"][1]["at"], "tags": ["x", "ü\"\\"],
         "size": {"width": 3, "unit": "cm"}, "gift": {"a": [1, None]}},
        {**empty, "sku": "C", "quantity": 1, "tags": []}]
    assert answer.json()["lines"][1]["at"].startswith("2026-01-31T23:59:59")
    assert order(service, []).json() == {"lines": None}


@pytest.mark.parametrize("items, name, message", [
    ([ITEM, ITEM, ITEM, {}], "items[3].sku", "is required"),
    ([{"sku": "a"}], "items[0].sku", "must match [A-Z0-9-]+"),
    ([{"sku": 7}], "items[0].sku", "must be a string"),
    ([{"sku": None}], "items[0].sku", "must be a string"),
    ([ITEM, {"sku": "A", "quantity": 0}], "items[1].quantity", "must be a whole number from 1 to 100"),
    ([{"sku": "A", "quantity": "1"}], "items[0].quantity", "must be a whole number"),
    ([{"sku": "A", "quantity": 1.5}], "items[0].quantity", "must be a whole number"),
    ([{"sku": "A", "size": {}}], "items[0].size.width", "is required"),
    ([{"sku": "A", "size": {"width": 10}}], "items[0].size.width", "must be a whole number from 1 to 9"),
    ([{"sku": "A", "size": {"width": 1, "unit": "m"}}], "items[0].size.unit", "must be one of: cm, in"),
    ([{"sku": "A", "size": []}], "items[0].size", "must be an object"),
    ([{"sku": "A", "size": {"width": 1, "x": 1}}], "items[0].size.x", "is not a field that can be set here"),
    ([{"sku": "A", "tags": "x"}], "items[0].tags", "must be an array"),
    ([{"sku": "A", "tags": ["x", 7]}], "items[0].tags[1]", "must be a string"),
    ([{"sku": "A", "tags": ["x", "too long"]}], "items[0].tags[1]", "must have 0 to 5 characters"),
    ([{"sku": "A", "tags": ["x"] * 4}], "items[0].tags", "must have at most 3 values"),
    ([{"sku": "A", "at": "today"}], "items[0].at", "must be a date and time such as 2026-01-31T23:59:59Z"),
    ([{"sku": "A", "skU": "A"}], "items[0].skU", "is not a field that can be set here"),
    ([{"sku": "A", "size.width": 1}], "items[0].size.width", "is not a field that can be set here"),
    ([7], "items[0]", "must be an object"), ([None], "items[0]", "must be an object"), ([[]], "items[0]", "must be an object"),
    ([ITEM] * 6, "items", "must have at most 5 values"),
    ({"sku": "A"}, "items", "must be an array"), (None, "items", "must be an array"), ("x", "items", "must be an array")])
def test_what_is_wrong_is_named_by_its_place(service, items, name, message):
    answer = order(service, items)
    assert answer.status == 422, answer
    assert answer.problem()["errors"] == [{"in": "body", "name": name, "message": message}]


def test_every_fault_is_found_and_not_too_many(service):
    answer = order(service, [{"sku": "a", "quantity": 0, "price": "x", "tags": [1, 2]}, 7])
    assert [fault["name"] for fault in answer.problem()["errors"]] == [
        "items[0].sku", "items[0].quantity", "items[0].price", "items[0].tags[0]", "items[0].tags[1]", "items[1]"]
    answer = service.client.post("/bodies/orders", {"items": [{"sku": "A", **{f"x{i}": 1 for i in range(100)}}]})
    assert len(answer.problem()["errors"]) == 32


def test_lenient_ignores_what_the_table_does_not_have(service):
    answer = order(service, [{"sku": "A", "color": "red", "size": {"width": 1, "depth": 2}}], "/bodies/orders/lenient")
    assert answer.status == 201 and answer.json()["lines"][0]["size"] == {"width": 1, "unit": "cm"}


def test_a_key_of_an_order_is_of_its_meaning(service):
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first = service.client.send("POST", "/bodies/orders", {"items": [{"sku": "A", "price": 1}]}, headers=key)
    again = service.client.send("POST", "/bodies/orders", '{"items": [{"price": 1.0, "quantity": 1, "sku": "A"}]}', headers=key)
    assert (first.status, again.status) == (201, 201) and again.headers["idempotency-replayed"] == "true"
    assert service.client.send("POST", "/bodies/orders", {"items": [{"sku": "B", "price": 1}]}, headers=key).status == 422


def test_an_object_may_be_below_a_dot_and_absent(service):
    ask = service.client.post
    door = str(uuid.uuid4())
    assert ask("/bodies/deliveries", {"to": {"address": {"door": door.upper(), "city": "Bonn"}}}).json() == {
        "address": {"city": "Bonn", "door": door}, "city": "Bonn"}
    assert ask("/bodies/deliveries", {}).json() == {"address": None, "city": None}
    for body, name in (({"to": {"address": {}}}, "to.address.city"), ({"to": {"address": None}}, "to.address"),
                       ({"to": {"address": {"city": "B", "door": "x"}}}, "to.address.door")):
        assert [fault["name"] for fault in ask("/bodies/deliveries", body).problem()["errors"]] == [name]


def test_text_of_a_client_stays_text(service):
    for city in "'); --", '"}]', "\\", "ü\u2028", "{}", "a\nb":
        assert service.client.post("/bodies/deliveries", {"to": {"address": {"city": city}}}).json()["city"] == city


# --- files ---


def upload(service, *parts, path="/bodies/files", **more):
    body = Multipart(*parts, **more)
    return send(service, path, body.bytes, body.media_type)


PNG = b"\x89PNG\r\n\x1a\n" + BYTES[:500]


def test_fields_and_files(service):
    answer = upload(service, field("title", "Grüße"), field("count", "7"), file_part("picture", "ü \"1\".png", "image/png", PNG),
                    file_part("papers", "a.bin", "application/octet-stream", BYTES), file_part("papers", "", None, b"x"))
    assert answer.status == 200 and answer.json() == {
        "title": "Grüße", "count": 7, "picture": md5(PNG), "papers": 2, "name": "a.bin", "type": "application/octet-stream",
        "size": len(BYTES), "paper": md5(BYTES), "given": True}


def test_files_may_be_absent(service):
    nothing = {"title": "x", "count": None, "picture": None, "papers": 0, "name": None, "type": None, "size": 0, "paper": None,
               "given": False}
    assert upload(service, field("title", "x")).json() == nothing
    # An input in which nobody chose a file.
    chosen = upload(service, field("title", "x"), file_part("picture", "", "application/octet-stream", b""))
    assert chosen.json() == nothing


def test_an_empty_file_is_a_file(service):
    answer = upload(service, field("title", "x"), file_part("papers", "empty.txt", "text/plain", b""))
    assert answer.json() == {**answer.json(), "papers": 1, "size": 0, "name": "empty.txt", "paper": md5(b"")}


@pytest.mark.parametrize("content", [b"", b"\r\n", b"--", b"\r\n--", b"--boundar", b"\r\n--boundar", b"\r\n--boundaryx\r\n", b"\n--boundary--",
                                     b"\r\n\r\n", b"a\r\n--boundary-", BYTES, b"\r\n--boundary x"])
def test_content_may_look_like_a_boundary(service, content):
    answer = upload(service, field("title", "x"), file_part("papers", "a", "x/y", content), boundary="boundary")
    assert answer.status == 200 and answer.json()["paper"] == md5(content), answer


@pytest.mark.parametrize("name, seen", [
    ("notes\\", "notes\\"), ("a\\b", "a\\b"), ("C:\\x\\y.txt", "C:\\x\\y.txt"), ('a\\"b', 'a"b'), ("%22.txt", "%22.txt"), ("ü", "ü")])
def test_a_file_name_is_as_the_client_has_it(service, name, seen):
    part = f'Content-Disposition: form-data; name="papers"; filename="{name}"\r\n\r\nx'.encode()
    assert upload(service, field("title", "x"), part).json()["name"] == seen


def test_a_line_that_only_begins_as_the_last_boundary_is_content(service):
    for content in b"head\r\n--b--x tail", b"head\r\n--b-- x", b"\r\n--b--\tx":
        answer = upload(service, field("title", "x"), file_part("papers", "a", "x/y", content), field("count", "7"), boundary="b")
        assert answer.json()["paper"] == md5(content) and answer.json()["count"] == 7, answer


def test_data_that_a_statement_refuses_is_invalid(service):
    answer = send(service, "/bodies/json/age", '{"age": "x"}', "application/json")
    assert answer.status == 422 and send(service, "/bodies/json/age", '{"age": 7}', "application/json").json() == {"age": 7}


@pytest.mark.parametrize("parts, name, message", [
    ([], "title", "is required"),
    ([field("title", "x"), field("title", "y")], "title", "is given twice"),
    ([field("title", "x" * 21)], "title", "must have 0 to 20 characters"),
    ([field("title", b"\xff")], "title", "must be text in UTF-8"), ([field("title", b"a\0b")], "title", "must be text in UTF-8"),
    ([field("title", "x"), field("count", "seven")], "count", "must be a whole number"),
    ([field("title", "x"), field("other", "7")], "other", "is not a field that can be set here"),
    ([file_part("title", "t.txt", "text/plain", b"x")], "title", "must not be a file"),
    ([field("title", "x"), field("picture", "x")], "picture", "must be a file"),
    ([field("title", "x"), file_part("picture", "a.png", "image/png", b"x" * 1001)], "picture", "must have at most 1000 bytes"),
    ([field("title", "x"), file_part("picture", "a.png", "image/png", b"")], "picture", "must have at least 1 bytes"),
    ([field("title", "x"), file_part("picture", "a", "text/html", b"x")], "picture",
     "must be of one of these types: image/*, application/pdf"),
    ([field("title", "x"), file_part("picture", "a", None, b"x")], "picture", "must be of one of these types: image/*, application/pdf"),
    ([field("title", "x"), file_part("picture", "a", "application/pdfx", b"x")], "picture",
     "must be of one of these types: image/*, application/pdf"),
    ([field("title", "x"), *[file_part("picture", "a", "image/png", b"x")] * 2], "picture", "is given twice"),
    ([field("title", "x"), *[file_part("papers", "a", "image/png", b"x")] * 4], "papers", "must have at most 3 files")])
def test_a_field_or_a_file_that_is_wrong_is_named(service, parts, name, message):
    answer = upload(service, *parts)
    assert answer.status == 422 and {"in": "body", "name": name, "message": message} in answer.problem()["errors"], answer


def test_a_type_is_read_as_types_are(service):
    for sent in "IMAGE/PNG", "image/png; x=y", "image/x-new", "application/pdf;version=1":
        assert upload(service, field("title", "x"), file_part("picture", "a", sent, b"x")).status == 200, sent


def test_a_lenient_form_with_files(service):
    answer = upload(service, field("title", "x"), field("count", ""), field("_csrf", "y"), file_part("z", "z", "x/y", b"z"),
                    path="/bodies/files/kept")
    assert answer.status == 200 and answer.json()["count"] is None


def test_a_key_is_of_the_fields_and_the_content_of_files(service):
    key = {"Idempotency-Key": str(uuid.uuid4())}

    def keep(title, content, boundary):
        body = Multipart(field("title", title), file_part("papers", f"{boundary}.txt", "text/plain", content), boundary=boundary)
        return send(service, "/bodies/files/kept", body.bytes, body.media_type, **key)
    assert keep("x", b"one", "a").status == 200
    again = keep("x", b"one", "b")  # a client makes another boundary each time
    assert again.status == 200 and again.headers["idempotency-replayed"] == "true"
    for other in keep("x", b"two", "a"), keep("y", b"one", "a"):
        assert other.status == 422


GOOD = b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\nx\r\n--b--'


@pytest.mark.parametrize("body", [
    GOOD, GOOD + b"\r\n", GOOD + b"\r\nan epilogue", GOOD.replace(b"--b\r\n", b"--b \t\r\n"), GOOD.replace(b'"title"', b"title"),
    GOOD.replace(b"Content-Disposition", b"content-DISPOSITION"), GOOD.replace(b"form-data;", b"Form-Data  ; x=y ;"),
    GOOD.replace(b"\r\n\r\nx", b"\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\nX-Other: 1\r\n\r\nx"),
    GOOD.replace(b'name="title"', b'filename*=UTF-8\'\'x; name="title"'), GOOD.replace(b"title", b"tit\\le").replace(b"tit\\le", b"title")])
def test_forms_of_multipart_that_clients_send(service, body):
    answer = send(service, "/bodies/files", body, "multipart/form-data; boundary=b")
    assert answer.status == 200 and answer.json()["title"] == "x", answer


@pytest.mark.parametrize("body", [
    b"", b"--", b"--b", b"--b\r\n", b"--b--x"[:4], b"preamble\r\n" + GOOD, b"\r\n" + GOOD, GOOD[:-2], GOOD[:-4], GOOD.replace(b"\r\n", b"\n"),
    GOOD.replace(b"form-data", b"attachment"), GOOD.replace(b'; name="title"', b""), GOOD.replace(b'"title"', b'"title'),
    GOOD.replace(b'name="title"', b'name="title"; name="count"'), GOOD.replace(b'name="title"', b"name=title x"),
    GOOD.replace(b"Content-Disposition: ", b"Content-Disposition "), GOOD.replace(b"Content-Disposition", b" Content-Disposition"),
    GOOD.replace(b'title"', b'title"\r\nContent-Disposition: form-data; name="count"'),
    GOOD.replace(b'title"', b'title"\r\nContent-Transfer-Encoding: base64'), GOOD.replace(b"title", b"ti\0tle"),
    GOOD.replace(b"title", b"ti\xfftle"), GOOD.replace(b"title", b"ti\x1btle"), GOOD.replace(b'title"', b'title"\r\n folded'),
    GOOD.replace(b'title"', b'title"\r\nX: ' + b"x" * 9000), GOOD.replace(b"--b\r\n", b"--bx\r\n")])
def test_multipart_that_no_client_sends_is_malformed(service, body):
    answer = send(service, "/bodies/files", body, "multipart/form-data; boundary=b")
    assert answer.status == 400, (body, answer)


@pytest.mark.parametrize("media_type, status", [
    ("multipart/form-data", 400), ("multipart/form-data; boundary=", 400), ('multipart/form-data; boundary=""', 400),
    ("multipart/form-data; boundary=b; boundary=b", 400), ("multipart/form-data; boundary=" + "b" * 71, 400),
    ('multipart/form-data; boundary="b', 400), ("multipart/form-data; boundary=é", 400), ("multipart/form-data; bound=b", 400),
    ("multipart/mixed; boundary=b", 415), ("application/json", 415), (None, 415), ("multipart/form-datax; boundary=b", 415),
    ('Multipart/Form-Data; charset=utf-8; Boundary="b"', 200), ("multipart/form-data;boundary=b", 200)])
def test_the_boundary_is_that_of_the_content_type(service, media_type, status):
    media_type = media_type and media_type.encode().decode("latin-1")
    assert send(service, "/bodies/files", GOOD, media_type).status == status


def test_curl_sends_what_is_read(service, tmp_path):
    path = tmp_path / 'we"ird\\name.png'
    path.write_bytes(PNG)
    done = subprocess.run(["curl", "-s", f"http://127.0.0.1:{service.nginx.port}/bodies/files", "-F", "title=from curl", "-F", "count=3",
                           "-F", f"picture=@\"{str(path).replace(chr(92), chr(92) * 2).replace(chr(34), chr(92) + chr(34))}\";type=image/png",
                           "-F", f"papers=@{BUILD / 'openapi.json'}"], capture_output=True, text=True, timeout=30, check=True)
    answer = json.loads(done.stdout)
    assert answer["picture"] == md5(PNG) and answer["title"] == "from curl" and answer["name"] == "openapi.json", answer


# --- larger bodies ---


def test_only_a_route_that_says_so_takes_a_larger_body(service):
    large = os.urandom(1 << 20) * 3
    assert send(service, "/bodies/large", large).json() == {"size": 3 << 20}
    assert send(service, "/bodies/large", large + b"x").status == 413
    assert send(service, "/bodies/raw", large).status == 413  # the program's own limit
    assert send(service, "/bodies/none", large).status == 404
    for path in "/bodiesx/large", "/x/bodies/large", "/bodies%2Flarge":
        assert send(service, path, large).status in (404, 413), path
    assert send(service, "/bodies/raw", large[:1 << 20]).status == 201


def test_the_program_has_the_limits_too(site):
    """Behind another server than our nginx."""
    def status(path, size):
        environment = site.environment(GATEWAY_INTERFACE="CGI/1.1", REQUEST_METHOD="POST", SCRIPT_NAME=path, CONTENT_LENGTH=str(size))
        done = subprocess.run([program("bodies")], env=environment, input=b"x" * size, capture_output=True, timeout=60, check=False)
        return int(done.stdout.split()[1])
    assert status("/bodies/large", 3 << 20) == 200
    assert status("/bodies/large", (3 << 20) + 1) == 413
    assert status("/bodies/raw", (1 << 20) + 1) == 413
    assert status("/bodies/none", (1 << 20) + 1) == 404


def test_an_error_of_nginx_on_a_larger_body_is_what_it_is(serve):
    service = serve("bodies")
    endpoint = service.endpoints["bodies"]
    endpoint.stop()
    endpoint.listener.close()
    endpoint.listener = None
    answer = send(service, "/bodies/large", b"x" * (2 << 20))
    assert answer.status == 503 and answer.problem() and answer.headers["retry-after"]
    endpoint.path.unlink(missing_ok=True)
    assert send(service, "/bodies/large", b"x" * (2 << 20)).status == 404
    too_large = send(service, "/bodies/large", b"x" * (4 << 20))
    assert too_large.status == 413 and too_large.problem()


# --- misuse ---


@pytest.mark.parametrize("what, message", [
    ("body", "np_body() in a route that is not of NP_BODY_RAW"),
    ("json", "np_body_json() in a route that is not of NP_BODY_JSON, or in a guard"),
    ("files", 'np_files_count() of parameter "title", which is no NP_TYPE_FILE'),
    ("other", 'np_file() of parameter "papers", which the route does not have')])
def test_a_misuse_is_a_500_that_names_it(service, what, message):
    answer = service.client.post("/bodies/misuse", {"title": what})
    assert answer.status == 500 and message in service.line_of(answer)["detail"], service.line_of(answer)
