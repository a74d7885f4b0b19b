"""Which types of C go with which types of Postgres: as the value of a parameter, and as a column of a response."""
from typing import NamedTuple

FAMILIES = {
    "text": "text", "varchar": "text", "bpchar": "text", "name": "text", "citext": "text",
    "uuid": "uuid",
    "int2": "integer", "int4": "integer", "int8": "integer", "oid": "integer",
    "numeric": "numeric",
    "float4": "float", "float8": "float",
    "bool": "boolean",
    "date": "date",
    "timestamp": "time", "timestamptz": "time",
    "json": "json", "jsonb": "json",
}
ANY = {*FAMILIES.values(), "other"}
TEXT = {"text", "other"}  # other: enum types, inet, interval…

# What each type may be given to, beside text.
GIVEN = {
    "NP_TYPE_STRING": TEXT, "NP_TYPE_EMAIL": TEXT, "NP_TYPE_ENUM": TEXT,
    "NP_TYPE_UUID": {"uuid"},
    "NP_TYPE_INT": {"integer", "numeric", "float"},
    "NP_TYPE_FLOAT": {"float", "numeric"},
    "NP_TYPE_BOOL": {"boolean"},
    "NP_TYPE_DATE": {"date", "time"},
    "NP_TYPE_DATETIME": {"time"},
    "NP_TYPE_JSON": {"json"}, "NP_TYPE_OBJECT": {"json"},
    "NP_TYPE_FILE": {"other"},  # bytea
}
# What each type of a response may be made from.
RETURNED = {
    "NP_TYPE_STRING": {*TEXT, "uuid", "date", "time"},
    "NP_TYPE_EMAIL": TEXT, "NP_TYPE_ENUM": TEXT,
    "NP_TYPE_UUID": {"uuid"},
    "NP_TYPE_INT": {"integer", "numeric"},
    "NP_TYPE_FLOAT": {"float", "numeric", "integer"},
    "NP_TYPE_BOOL": {"boolean"},
    "NP_TYPE_DATE": {"date"},
    "NP_TYPE_DATETIME": {"time"},
    "NP_TYPE_JSON": ANY,
    "NP_TYPE_OBJECT": {"json"},
}
# These are strings in JSON, so an expression that makes a text may have any such form.
STRINGS = ("NP_TYPE_UUID", "NP_TYPE_DATE", "NP_TYPE_DATETIME")

# The type of what a function returns.
FUNCTIONS = {
    "np_int": "NP_TYPE_INT", "np_float": "NP_TYPE_FLOAT", "np_bool": "NP_TYPE_BOOL", "np_text": "NP_TYPE_STRING",
    "np_json": "NP_TYPE_JSON", "np_body_json": "NP_TYPE_JSON", "np_json_object": "NP_TYPE_JSON", "np_json_list": "NP_TYPE_JSON",
    "np_bytea": "NP_TYPE_FILE", "np_header_of": "NP_TYPE_STRING", "np_cookie_of": "NP_TYPE_STRING",
    "np_caller": "NP_TYPE_UUID", "np_caller_session": "NP_TYPE_UUID",
    **dict.fromkeys(("np_password_hash", "np_keyed_hash", "np_token_hash", "np_random_token", "np_access_token",
                     "np_client_network"), "NP_TYPE_STRING"),
}


class Type(NamedTuple):
    """A type of Postgres; of a domain, the type below it."""
    shown: str  # as Postgres writes it
    name: str  # of pg_type; of an array, that of its elements
    is_array: bool

    @property
    def family(self):
        return FAMILIES.get(self.name, "other")


class Value(NamedTuple):
    """What the code gives, or declares."""
    type: str  # NP_TYPE_…
    is_list: bool

    def __str__(self):
        return f"a list of {self.type}" if self.is_list else self.type


def may_give(value, to):
    """value may be the value of a parameter of the type `to`."""
    if value.type not in GIVEN or to.name.startswith("any"):
        return True
    if value.is_list or to.is_array:
        return value.is_list and to.is_array and _goes_to(value.type, to)
    return _goes_to(value.type, to)


def _goes_to(kind, to):
    return to.family in GIVEN[kind] or (to.family == "text" and kind != "NP_TYPE_FILE")  # \x6869 is no text of anybody


def may_return(declared, column, is_expression):
    """A column of that type may be what `declared` says. Of an expression, the form of its text or JSON is not known."""
    if declared.type not in RETURNED or declared.type == "NP_TYPE_JSON" and not declared.is_list:
        return True
    if column.family == "json" and not column.is_array and (is_expression or declared.is_list):
        return True
    if declared.is_list != column.is_array:
        return False
    return column.family in RETURNED[declared.type] or (is_expression and column.family == "text" and declared.type in STRINGS)
