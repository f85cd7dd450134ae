#!/usr/bin/env python3
"""Puts what ./dev run --once printed into README.md: docs/demo.svg, second by second, and the table.

    ./dev run --once | tee build/demo/output.txt
    tools/demo/draw.py build/demo/output.txt
"""
import pathlib
import re
import sys

SECOND = re.compile(r"^ +(\d+) +(\d+) +([\d.]+) +([\d.]+) +(\d+) +([\d.]+) % +([\d.]+) %(.*)$")
TITLES = ("look-ups alone", "beside 8 report sessions,\nnothing governed",
          "beside 8 report sessions,\nunder the plan")
LEFT, PANEL, GAP, TOP, HEIGHT, SPACE = 70, 230, 18, 62, 120, 38
BLUE, ORANGE, GREY = "#2563a8", "#d9822b", "#777"


def read(path):
    """Three lists of (look-ups/s, p99 ms, CPU of look-ups %, CPU of reports %), counted seconds only."""
    phases = []
    for line in pathlib.Path(path).read_text().splitlines():
        match = SECOND.match(line)
        if match and match[1] == "0":
            phases.append([])
        elif match:
            phases[-1].append((int(match[2]), float(match[4]), float(match[6]), float(match[7])))
    if len(phases) != 3 or not all(phases):
        sys.exit(f"{path}: not the output of ./dev run --once")
    return phases


def nice_top(value):
    """The smallest of 1, 2, 5 times a power of ten that is not less."""
    power = 1
    while True:
        for step in (1, 2, 5):
            if step * power >= value:
                return step * power
        power *= 10


class Picture:
    def __init__(self):
        self.parts = []

    def text(self, x, y, text, anchor="start", colour="#222", size=12):
        for number, line in enumerate(text.split("\n")):
            self.parts.append(f'<text x="{x:.1f}" y="{y + 15 * number:.1f}" text-anchor="{anchor}" '
                              f'fill="{colour}" font-size="{size}">{line}</text>')

    def bar(self, x, y, width, height, colour):
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
                          f'fill="{colour}"/>')

    def line(self, x, y, x2, y2):
        self.parts.append(f'<line x1="{x}" y1="{y:.1f}" x2="{x2}" y2="{y2:.1f}" stroke="#ddd"/>')

    def svg(self, width, height):
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
                f'width="{width}" height="{height}" font-family="sans-serif">\n'
                f'<rect width="{width}" height="{height}" fill="#fff"/>\n'
                + "\n".join(self.parts) + "\n</svg>\n")


def draw_row(picture, phases, row, title, top, unit, columns):
    """One row of three panels: a bar a second, stacked from (column, colour) pairs."""
    y = TOP + row * (HEIGHT + SPACE)
    picture.text(LEFT, y - 6, title, colour=GREY)
    for fraction in (0, 0.5, 1):
        level = y + HEIGHT * (1 - fraction)
        picture.line(LEFT, level, LEFT + 3 * PANEL + 2 * GAP, level)
        picture.text(LEFT - 6, level + 4, f"{top * fraction:g}{unit}", "end", GREY, 11)
    for number, seconds in enumerate(phases):
        width = PANEL / len(seconds)
        for at, values in enumerate(seconds):
            base = y + HEIGHT
            for column, colour in columns:
                height = HEIGHT * min(values[column], top) / top
                base -= height
                picture.bar(LEFT + number * (PANEL + GAP) + at * width, base, width - 2, height, colour)


def draw(phases, target):
    picture = Picture()
    for number, title in enumerate(TITLES):
        picture.text(LEFT + number * (PANEL + GAP), 18, title, size=13)
    every = [values for seconds in phases for values in seconds]
    draw_row(picture, phases, 0, "look-ups per second", nice_top(max(v[0] for v in every)), "",
             [(0, BLUE)])
    draw_row(picture, phases, 1, "look-up latency, 99th percentile", nice_top(max(v[1] for v in every)),
             " ms", [(1, BLUE)])
    draw_row(picture, phases, 2, "CPU used by look-ups (blue) and reports (orange), of the machine",
             100 if max(v[2] + v[3] for v in every) <= 100 else 120, " %", [(2, BLUE), (3, ORANGE)])
    width, height = LEFT + 3 * PANEL + 2 * GAP + 20, TOP + 3 * (HEIGHT + SPACE)
    target.write_text(picture.svg(width, height))


def insert_table(output, readme):
    """The output from "Measured" to the table's end, between README's two marks."""
    table = re.search(r"^Measured, .*?\n\n(?:   .*\n)+", output, re.MULTILINE)
    begin, end = "<!-- measured -->\n", "<!-- /measured -->\n"
    text = readme.read_text()
    head, rest = text.split(begin)
    tail = rest.split(end)[1]
    readme.write_text(f"{head}{begin}```\n{table[0]}```\n{end}{tail}")


def main(source):
    root = pathlib.Path(__file__).resolve().parents[2]
    draw(read(source), root / "docs" / "demo.svg")
    insert_table(pathlib.Path(source).read_text(), root / "README.md")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
