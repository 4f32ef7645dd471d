"""Reads pairs of files as other parsers see them and names what differs.

Input: a JSON list of {"path", "before", "after", "values", "names"} on stdin.
"values" are the texts that a wanted value may have, "names" what an inserted
key or option may be called. Output: {"complaints": [...], "judged": n}, n being
the SparkApplications that the operator's own schema judged. It knows nothing of
how the files were edited: Python is read by CPython's own ast, YAML by PyYAML
and ruamel.yaml, JSON by json, shell by bash -n. The folder of the schemas is its
argument.
"""
import ast
import glob
import io
import json
import os
import re
import subprocess
import sys
import tempfile

import jsonschema
import ruamel.yaml
import yaml


def leaf_ok(before, after, case):
    """A changed text may differ only in runs that hold a wanted value."""
    if type(before) is not type(after) and not isinstance(after, (str, int, float, bool)):
        return False
    after = str(after)
    return any(v in after for v in case["values"]) or any(after in v for v in case["values"])


def added_ok(node, case):
    """What is inserted must spell a wanted value under a wanted name."""
    text = node if isinstance(node, str) else ast.unparse(node)
    return any(v in text for v in case["values"])


def diff(a, b, case, where, out):
    if type(a) is not type(b):
        if not (isinstance(b, ast.AST) and added_ok(b, case) and replaces(a, b, case)):
            out.append(f"{where}: {dump(a)} became {dump(b)}")
        return
    if isinstance(a, ast.Constant):
        if a.value != b.value and not leaf_ok(a.value, b.value, case):
            out.append(f"{where}: {a.value!r} became {b.value!r}")
    elif isinstance(a, ast.Call):
        diff(a.func, b.func, case, where, out)
        diff_list(a.args, b.args, case, where, out)
        diff_keywords(a, b, case, where, out)
    elif isinstance(a, ast.Dict):
        diff_dict(a, b, case, where, out)
    elif isinstance(a, ast.JoinedStr):
        diff_list(words(a), words(b), case, where, out)
    elif isinstance(a, ast.AST):
        for field in a._fields:
            x, y = getattr(a, field), getattr(b, field)
            if isinstance(x, list):
                diff_list(x, y, case, where + "/" + type(a).__name__, out)
            elif isinstance(x, ast.AST):
                diff(x, y, case, where + "/" + type(a).__name__, out)
            elif x != y:
                out.append(f"{where}: {x!r} became {y!r}")
    elif a != b:
        out.append(f"{where}: {a!r} became {b!r}")


def replaces(a, b, case):
    """A use site may become a literal, a spread of itself, in which wanted values
    may differ, or a sum with itself."""
    if isinstance(b, ast.Constant):
        return True
    if isinstance(b, ast.Dict):
        return any(k is None and fits(a, v, case) for k, v in zip(b.keys, b.values))
    return isinstance(b, ast.BinOp) and dump(b.left) == dump(a)


def fits(a, b, case):
    out = []
    diff(a, b, case, "", out)
    return not out


def diff_keywords(a, b, case, where, out):
    old = {k.arg: k.value for k in a.keywords}
    new = {k.arg: k.value for k in b.keywords}
    if len(new) != len(b.keywords):
        out.append(f"{where}: a keyword argument is given twice")
    for name, value in old.items():
        if name not in new:
            out.append(f"{where}: argument {name} is gone")
        else:
            diff(value, new[name], case, f"{where}/{name}", out)
    for name, value in new.items():
        if name not in old and not added_ok(value, case):
            out.append(f"{where}: argument {name}={dump(value)} is new")


def diff_dict(a, b, case, where, out):
    """Entries keep their order; new ones may follow."""
    old = [(dump(k) if k else "**" + dump(v), v) for k, v in zip(a.keys, a.values)]
    new = [(dump(k) if k else "**" + dump(v), v) for k, v in zip(b.keys, b.values)]
    for (k, v), (k2, v2) in zip(old, new):
        if k2 != k and not k2.startswith("**"):
            out.append(f"{where}: key {k} became {k2}")
        diff(v, v2, case, f"{where}.{k}", out)
    for k, v in new[len(old):]:
        if not added_ok(v, case) or k in dict(old):
            out.append(f"{where}: key {k} is new, or there twice")
    if len(new) < len(old):
        out.append(f"{where}: keys are gone")


def words(joined):
    """The words of an f-string, with its holes spelled out."""
    text = "".join(v.value if isinstance(v, ast.Constant) else "{" + dump(v.value) + "}" for v in joined.values)
    return [ast.Constant(w) for w in text.split()]


def aligned(a, b, where, compare, fine):
    """Complaints about b beside a: items may be added anywhere, if they are
    fine; the others stay in their order."""

    def align(i, j):
        if j == len(b):
            return [] if i == len(a) else [f"{where}: {len(a) - i} items are gone"]
        best = None
        if i < len(a):
            best = compare(i, j) + align(i + 1, j + 1)
        if len(b) - j > len(a) - i and (best is None or best):
            other = ([] if fine(b[j]) else [f"{where}: item {dump(b[j])} is new"]) + align(i, j + 1)
            best = other if best is None else min(best, other, key=len)
        return best if best is not None else [f"{where}: items are gone"]

    return align(0, 0)


def diff_list(a, b, case, where, out):
    def compare(i, j):
        here = []
        diff(a[i], b[j], case, f"{where}[{i}]", here)
        return here

    out.extend(aligned(a, b, where, compare, lambda x: added_ok(x, case) or any(n in dump(x) for n in case["names"])))


def dump(x):
    return ast.unparse(x) if isinstance(x, ast.AST) else repr(x)


def data(a, b, case, where, out):
    """The same for documents: leaves may change, keys may be added."""
    if isinstance(a, dict) and isinstance(b, dict):
        for k in a:
            if k not in b:
                out.append(f"{where}: {k} is gone")
            else:
                data(a[k], b[k], case, f"{where}.{k}", out)
        for k in b:
            if k not in a and not any(v in json.dumps(b[k], default=str) for v in case["values"]):
                out.append(f"{where}: {k} is new: {b[k]!r}")
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for i, (x, y) in enumerate(zip(a, b)):
            data(x, y, case, f"{where}[{i}]", out)
    elif isinstance(a, list) and isinstance(b, list) and all(isinstance(x, str) for x in a + b):
        def compare(i, j):
            return [] if a[i] == b[j] or leaf_ok(a[i], b[j], case) else [f"{where}: {a[i]!r} became {b[j]!r}"]

        out.extend(aligned(a, b, where, compare, lambda x: leaf_ok("", x, case) or x in case["names"]))
    elif a != b and (type(a) is not type(b) or not leaf_ok(a, b, case)):
        out.append(f"{where}: {a!r} became {b!r}")


def check_python(case, out):
    try:
        before = ast.parse(case["before"])
    except SyntaxError:
        return  # a file that was broken before may stay so
    try:
        diff(before, ast.parse(case["after"]), case, case["path"], out)
    except SyntaxError as e:
        out.append(f"{case['path']}: it does not parse any more: {e}")


def plain(text):
    """A text with its templates made words, so that YAML may hold it."""
    return re.sub(r"\{\{.*?\}\}", "T", text)


def load_pyyaml(text):
    return list(yaml.safe_load_all(plain(text)))


def load_ruamel(text):
    return list(ruamel.yaml.YAML(typ="safe", pure=True).load_all(io.StringIO(plain(text))))


def check_yaml(case, out):
    for load in (load_pyyaml, load_ruamel):
        data(load(case["before"]), load(case["after"]), case, case["path"], out)


def schemas():
    """The operator's own schemas, by kind and version."""
    out = {}
    for name in glob.glob(os.path.join(sys.argv[1], "*.yaml")):
        with open(name, encoding="utf-8") as f:
            spec = yaml.load(f, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))["spec"]
        for v in spec["versions"]:
            out[spec["names"]["kind"], spec["group"] + "/" + v["name"]] = v["schema"]["openAPIV3Schema"]
    return out


def manifests(path, text):
    """What a file holds that may be a SparkApplication, in order."""
    if path.endswith((".yaml", ".yml")):
        return load_pyyaml(text)
    out = []
    if path.endswith(".py"):
        for node in ast.walk(ast.parse(text)):
            try:
                x = ast.literal_eval(node) if isinstance(node, ast.Dict) else None
            except ValueError:
                continue
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "kind: S" in node.value:
                out += load_pyyaml(node.value)
            out.append(x)
    return out


def faults(path, text, known):
    """What the schemas find wrong with the manifests of a file."""
    out = []
    for doc in manifests(path, text):
        if not isinstance(doc, dict) or (doc.get("kind"), doc.get("apiVersion")) not in known:
            continue
        v = jsonschema.Draft7Validator(known[doc["kind"], doc["apiVersion"]])
        out.append({"/".join(map(str, e.absolute_path)) + ": " + e.validator for e in v.iter_errors(doc)})
    return out


def check_manifests(case, known, out):
    """A patch brings no fault that was not there."""
    try:
        before = faults(case["path"], case["before"], known)
    except SyntaxError:
        return 0
    after = faults(case["path"], case["after"], known)
    for old, new in zip(before, after, strict=True):
        for fault in sorted(new - old):
            out.append(f"{case['path']}: the operator would not take it: {fault}")
    return len(after)


def check_shell(case, out):
    with tempfile.NamedTemporaryFile("w", suffix=".sh", delete=False) as f:
        f.write(case["after"])
    done = subprocess.run(["bash", "-n", f.name], capture_output=True, text=True)
    os.unlink(f.name)
    if done.returncode:
        out.append(f"{case['path']}: {done.stderr}")


def main():
    complaints, judged, known = [], 0, schemas()
    for case in json.load(sys.stdin):
        judged += check_manifests(case, known, complaints)
        ext = os.path.splitext(case["path"])[1]
        if ext == ".py":
            check_python(case, complaints)
        elif ext in (".yaml", ".yml"):
            check_yaml(case, complaints)
        elif ext == ".json":
            data(json.loads(case["before"]), json.loads(case["after"]), case, case["path"], complaints)
        elif ext == ".sh":
            check_shell(case, complaints)
    json.dump({"complaints": complaints, "judged": judged}, sys.stdout)


if __name__ == "__main__":
    main()
