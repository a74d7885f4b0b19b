"""An SVG bar chart: requests/s on the left and round trips on the right, one row for each program, in groups."""
from xml.sax.saxutils import escape

# The picture has no background, so each colour is visible on white and on black.
TEXT, FLOOR, NULLPOOL, PEER = "#737d87", "#949ca6", "#dd6b20", "#4287d6"

WIDTH = 920
MARGIN = 20
NAME_WIDTH = 190
VALUE_WIDTH = 60  # right of a bar
ROW, BAR = 24, 15
GROUP_GAP = 58  # its title and the heads of its columns
HEAD = 46
COLUMN = (WIDTH - 2 * MARGIN - NAME_WIDTH) / 2


def colour(name):
    return NULLPOOL if name.startswith("nullpool") else FLOOR if name.startswith("floor") else PEER


def text(x, y, words, size=13, weight="normal", anchor="start"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" '
            f'fill="{TEXT}">{escape(words)}</text>')


def bar(x, y, value, most, fill, words):
    if value is None:
        return [text(x, y + BAR - 3, "-", 12)]
    width = max(1.0, value / most * (COLUMN - VALUE_WIDTH)) if most else 1.0
    return [f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{BAR}" rx="2" fill="{fill}"/>',
            text(x + width + 6, y + BAR - 3, words, 12)]


def most_of(rows, key):
    return max((row[key] or 0 for row in rows), default=0)


def plot(path, title, subtitle, groups):
    """groups: {title: [{name, rate, trips}]}. Each group has its own scale of rates; all share one of round trips."""
    most_trips = max((most_of(rows, "trips") for rows in groups.values()), default=0)
    parts, y = [text(MARGIN, 28, title, 17, "bold"), text(MARGIN, 48, subtitle, 11)], HEAD
    left, right = MARGIN + NAME_WIDTH, MARGIN + NAME_WIDTH + COLUMN
    for group, rows in groups.items():
        y += GROUP_GAP
        parts += [text(MARGIN, y - 29, group[0].upper() + group[1:], 14, "bold"),
                  text(left, y - 8, "GET/s, 8 clients (higher is better)", 12),
                  text(right, y - 8, "round trips that one GET waits for (lower is better)", 12)]
        for row in rows:
            fill = colour(row["name"])
            parts.append(text(left - 8, y + BAR - 3, row["name"], anchor="end",
                              weight="bold" if fill == NULLPOOL else "normal"))
            parts += bar(left, y, row["rate"], most_of(rows, "rate"), fill, f"{row['rate'] or 0:,.0f}")
            parts += bar(right, y, row["trips"], most_trips, fill, f"{row['trips'] or 0:.1f}")
            y += ROW
    height = y + MARGIN
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
                    f'height="{height}" font-family="system-ui, sans-serif" role="img">\n'
                    f"<title>{escape(title)}</title>\n" + "\n".join(parts) + "\n</svg>\n", encoding="utf-8")
