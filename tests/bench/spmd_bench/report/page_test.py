"""Checks the pages of spmd_bench --html: well-formed, self-contained, with the figures of the JSON of the
same run; and, if Chromium is installed, nothing is cut off or overlaps, on wide screens and on phones, light
and dark.

Usage: page_test.py SPMD_BENCH [FOLDER]

Screenshots remain in FOLDER; without it, the look is not checked.
"""
import html
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

COMMANDS = {
    "one_point": "--repetitions 7 --ranks 20",
    "costs": "--workload spin --item-cost 0,100ns,1us,10us --ranks 4,64 --items 300 --repetitions 7",
    "threads": "--workload spin --item-cost 1us --threads 1,2,4 --ranks 1:1024:*4 --items 300 "
               "--repetitions 7",
    "scaling": "--workload spin --item-cost 10us --threads 1:16:*2 --ranks 100 --items 300 --repetitions 5",
    "strange": "--workload empty --items 0,3 --ranks 1,2 --repetitions 2 --ways serial,map",
}
WIDTHS = {1280: 3000, 400: 5000}
# A window is at least 500 px wide; a frame in it may be narrower.
FRAME = """<!DOCTYPE html><body style="margin:0">
<iframe src="{name}" style="width:{width}px;height:{height}px;border:0"></iframe><pre id="found"></pre>
<script>onmessage = event => document.getElementById('found').textContent = event.data</script></body>"""
# Appended to a copy of the page: sends its findings to the frame around it.
LOOK = """<script>
document.querySelectorAll('details').forEach(each => each.open = true);
const found = [], near = 0.5;
const name = each => each.outerHTML.slice(0, 120);
if (innerWidth != WIDTH) found.push('the window is ' + innerWidth + ' px wide');
if (document.documentElement.scrollWidth > innerWidth) found.push('the page is wider than the window');
for (const each of document.querySelectorAll('body *'))
    if (!each.closest('.scroll table :is(thead, tbody), svg') && !each.querySelector(':scope > tbody')
        && each.getBoundingClientRect().right > innerWidth + near)
        found.push('beyond the right edge: ' + name(each));
// A table that is wider than the page has a shadow at its right edge, above the cells, which does not scroll.
const clear = each => ['rgba(0, 0, 0, 0)', 'transparent'].includes(getComputedStyle(each).backgroundColor);
for (const scroller of document.querySelectorAll('.scroll')) {
    if (scroller.scrollWidth <= scroller.clientWidth) continue;
    const style = getComputedStyle(scroller), edge = scroller.getBoundingClientRect().right - 2;
    const stays = style.backgroundAttachment.split(', ').map(each => each == 'scroll');
    if (!style.backgroundPosition.split(', ').some((each, i) => each.startsWith('100%') && stays[i]))
        found.push('nothing shows that it goes on: ' + name(scroller));
    for (const row of scroller.querySelectorAll('tr')) {
        const above = [row.closest('table'), row.parentElement, row, ...row.children].filter(
            each => each.getBoundingClientRect().left < edge && each.getBoundingClientRect().right > edge);
        if (!above.every(clear)) found.push('covers the shadow: ' + name(row));
    }
}
for (const svg of document.querySelectorAll('figure > svg')) {
    const frame = svg.getBoundingClientRect(), texts = [...svg.querySelectorAll('text')];
    const boxes = texts.map(each => each.getBoundingClientRect());
    boxes.forEach((box, i) => {
        if (box.left < frame.left - near || box.right > frame.right + near
            || box.top < frame.top - near || box.bottom > frame.bottom + near)
            found.push('cut off: ' + texts[i].outerHTML);
        boxes.slice(i + 1).forEach((other, k) => {
            if (box.left < other.right - near && other.left < box.right - near
                && box.top < other.bottom - near && other.top < box.bottom - near)
                found.push('overlap: ' + texts[i].outerHTML + ' and ' + texts[i + 1 + k].outerHTML);
        });
    });
}
parent.postMessage(found.length ? found.join('\\n') : 'nothing found', '*');
</script></body>"""


def short_time(ns):
    """Formats a time as the tables do: three digits and a unit."""
    units = (("s", 1e9), ("ms", 1e6), ("us", 1e3))
    unit, factor = next((each for each in units if ns >= each[1]), ("ns", 1))
    figure = ns / factor
    return f"{figure:.{2 if figure < 10 else 1 if figure < 100 else 0}f} {unit}"


def corners(path):
    return [tuple(map(float, corner.split())) for corner in re.split("[ML]", path.get("d"))[1:]]


def check_ideal(root):
    """The ideal line is straight, and spans all marks."""
    for figure in root.iter("figure"):
        paths = {each.get("class").split()[0]: each for each in figure.iterfind("svg//path")}
        if "ideal" not in paths:
            continue
        ideal, line = corners(paths["ideal"]), corners(paths["line"])
        (left, low), (right, high) = ideal[0], ideal[-1]
        if left > line[0][0] + 0.1 or right < line[-1][0] - 0.1:
            yield f"the ideal line spans {left} to {right}, the measured one {line[0][0]} to {line[-1][0]}"
        elif any(abs(y - low - (high - low) * (x - left) / (right - left)) > 0.2 for x, y in ideal):
            yield "the ideal line is not straight"


def check_text(page, report):
    text = page.read_text()
    root = xml.fromstring(text.removeprefix("<!DOCTYPE html>\n"))
    yield from check_ideal(root)
    outside = re.findall(r"https?:|\bsrc=|url\(|@import|<script|<link", text)
    yield from (f"refers to something outside: {each}" for each in outside)
    cells = {"".join(cell.itertext()) for cell in root.iter() if cell.tag in ("td", "th")}
    for point in report["points"]:
        for way in point["ways"]:
            median = way["median_ns"]["value"]
            if median > 0 and short_time(median) not in cells:
                yield f"no cell has {short_time(median)}, the median of {way['way']}"
    sentences = {"".join(each.itertext()) for each in root.iter("p")}
    missing = [each for each in report["answer"]["sentences"] if each not in sentences]
    yield from (f"the page does not say: {each}" for each in missing)
    described = {"".join(each.itertext()) for each in root.iter("dd")}
    if f"{report['version']}, commit {report['commit']}" not in described:
        yield "the page does not name the version and the commit"
    figures = [each for each in root.iter("figure") if each.get("class") != "table"]
    if not figures:
        yield "no picture"
    for figure in figures:
        drawing = figure.find("svg")
        if drawing.find("title") is None or drawing.find("desc") is None:
            yield "a picture without a title and a description"
    for table in root.iter("table"):
        if any(each.get("scope") is None for each in table.iter("th")):
            yield "a heading without a scope"
    captioned = [each for each in root.iter("figure")
                 if each.find("figcaption") is not None and each.find("div/table") is not None]
    if len(captioned) != len(list(root.iter("table"))):
        yield "a table without a caption"


def chromium(browser, *arguments):
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    return subprocess.run([browser, *options, *arguments], check=True, capture_output=True, text=True,
                          timeout=120).stdout


def check_look(browser, page, folder):
    frame, looked_at = page.with_suffix(".frame.html"), page.with_suffix(".look.html")
    for width, height in WIDTHS.items():
        looked_at.write_text(page.read_text().replace("</body>", LOOK.replace("WIDTH", str(width))))
        frame.write_text(FRAME.format(name=looked_at.name, width=width, height=height))
        dumped = chromium(browser, "--virtual-time-budget=5000", "--dump-dom", frame.as_uri())
        seen = re.search(r'<pre id="found">(.*?)</pre>', dumped, re.DOTALL)
        if seen is None or seen[1] != "nothing found":
            yield f"{width} px: " + (html.unescape(seen[1]) if seen else "the page did not load")
        frame.write_text(FRAME.format(name=page.name, width=width, height=height))
        for scheme, number in (("dark", 0), ("light", 1)):
            picture = folder / f"{page.stem}_{width}_{scheme}.png"
            chromium(browser, f"--window-size={width},{height}",
                     f"--blink-settings=preferredColorScheme={number}",
                     f"--screenshot={picture}", frame.as_uri())
            if not picture.exists():
                yield f"{picture.name} was not written"


def main():
    bench, folder = sys.argv[1], pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
    browser = folder and shutil.which("chromium")
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    problems = []
    with tempfile.TemporaryDirectory() as scratch:
        for name, options in COMMANDS.items():
            page, data = pathlib.Path(scratch) / f"{name}.html", pathlib.Path(scratch) / f"{name}.json"
            command = [bench, *options.split(), "--html", str(page), "--json", str(data)]
            subprocess.run(command, check=True, capture_output=True)
            found = list(check_text(page, json.loads(data.read_text())))
            if browser:
                found += check_look(browser, page, folder)
            problems += [f"{name}: {each}" for each in found]
    if folder and not browser:
        print("page: chromium is not installed; the look of the pages was not checked")
    print("\n".join(problems) or f"page: {len(COMMANDS)} pages are correct")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
