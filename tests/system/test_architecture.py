"""docs/architecture.md names functions where they are defined, and no call in it goes up a room."""
import re

import pytest

from conftest import ROOT

# From the top floor down; rooms of one rank do not know each other.
RANKS = {"command": 0, "doctor": 1, "serve": 2, "observe": 3, "app": 4, "cache": 5, "db": 5, "http": 5, "config": 6,
         "base": 7}
STEP = re.compile(r"^( *)- `((\w+)/\w+\.c)`: (.*)$")
FLOWS = re.split(r"^## ", (ROOT / "docs" / "architecture.md").read_text(), flags=re.M)[1:]


def steps(flow):
    """Depth, file, room and text of each, with the lines that continue it."""
    found = []
    for line in flow.splitlines():
        step = STEP.match(line)
        if step:
            found.append([len(step[1]) // 2, step[2], step[3], step[4]])
        elif found and line.startswith("  "):
            found[-1][3] += " " + line.strip()
    return found


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.splitlines()[0])
def test_each_function_is_defined_in_its_file(flow):
    assert len(steps(flow)) > 10
    for _, file, _, text in steps(flow):
        source = (ROOT / "common" / file).read_text()
        functions = [name for name in re.findall(r"`(\w+)`", text) if name.islower() and name != "np_query"]
        for name in functions:
            assert re.search(rf"^{name}\(", source, re.M), f"{name} is not defined in common/{file}"


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.splitlines()[0])
def test_no_call_goes_up_a_room(flow):
    above = []
    for depth, file, room, text in steps(flow):
        del above[depth:]
        assert len(above) == depth, f"{file}: {text} has no line that calls it"
        if above:
            caller = above[-1]
            assert caller == room or RANKS[caller] < RANKS[room], f"{file}: {text} is called from {caller}/"
        above.append(room)
