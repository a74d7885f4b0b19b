"""Results become JSON by the type of their column."""


def test_each_type_has_its_json(service):
    row = service.client.get("/probe/types").json()
    assert row == {
        "yes": True, "small": 32767, "big": -9223372036854775808, "big_text": "9007199254740993", "float": 0.1, "nan": None, "infinite": None,
        "price": 12.5, "huge": "12345678901234567890.123", "document": {"a": [1, None]}, "list": [1, 2],
        "numbers": [1, None, 3], "texts": ["a", "NULL", None, '"q\\'], "grid": [[True], [False]], "empty": [],
        "at": "2026-01-31T21:59:59.5+00:00", "local": "2026-01-31T23:59:59", "ever": "infinity",
        "day": "2026-01-31", "id": "00000000-0000-0000-0000-00000000002a", "nothing": None, "text": 'tab\t"quote"',
    }


def test_a_role_with_another_date_style_gets_the_same_times(serve, site):
    site.query("ALTER ROLE app_user SET datestyle = 'German'")
    try:
        service = serve("probe", DATABASE_CONNECTION="null")
        assert service.client.get("/probe/types").json()["at"] == "2026-01-31T21:59:59.5+00:00"
    finally:
        site.query("ALTER ROLE app_user RESET datestyle")
