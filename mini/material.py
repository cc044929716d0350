"""Reads the text files of data/: sections "== heading", one entry per line, <name> standing for a macro of the file."""
import functools
import os
import re

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")
MACRO = re.compile(r"<(\w+)>")


@functools.cache
def sections(name):
    """{heading: lines} of data/<name>.txt; empty lines are left out."""
    with open(f"{FOLDER}/{name}.txt", encoding="utf-8") as f:
        text = f.read()
    out, macros = {}, {}
    for line in text.splitlines():
        if line.startswith("== "):
            lines = out[line[3:].strip()] = []
        elif line.strip():
            lines.append(MACRO.sub(lambda m: macros.get(m[1], m[0]), line.strip()))
            if "macros" in out and lines is out["macros"]:
                key, value = lines[-1].split(" = ", 1)
                macros[key] = value
    return out


def pool(name, heading):
    """The words of a section: between bars where there are any, else between spaces."""
    text = "\n".join(sections(name)[heading])
    return [w.strip() for w in (re.split(r"[|\n]", text) if "|" in text else text.split()) if w.strip()]


def marked(lines):
    """{mark: texts} of lines that begin with a one-character mark, as in "? What is {x}?"; other lines are under ""."""
    out = {}
    for line in lines:
        mark, text = (line[0], line[2:]) if line[1:2] == " " and not line[0].isalnum() and line[0] != "{" else ("", line)
        out.setdefault(mark, []).append(text)
    return out
