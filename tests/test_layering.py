"""The floors of the house: a file imports from its own floor or from those below it."""

import ast
from pathlib import Path

import pytest

FLOORS = ["noises", "rows", "likelihoods", "solvers", "inference", "estimators", "reports"]
PACKAGE = Path(__file__).parents[1] / "sklearn_mle"
VAGUE = {"utils", "base", "common", "misc", "helpers"}


def imported_modules(path, root):
    """Absolute names that a file imports when it runs, those for type checkers left out."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
    package = (root.name, *path.relative_to(root).parts[:-1])
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def floor_of(module, root):
    parts = module.split(".")
    inside = parts[0] == root.name and len(parts) > 1 and parts[1] in FLOORS
    return FLOORS.index(parts[1]) if inside else None


def module_name(path, root):
    inside = path.relative_to(root.parent).with_suffix("").parts
    return ".".join(inside[:-1] if inside[-1] == "__init__" else inside)


def upward_imports(root):
    """Lines such as ``noises/a.py imports sklearn_mle.rows.b``."""
    found = []
    for path in sorted(root.rglob("*.py")):
        here = floor_of(module_name(path, root), root)
        for module in imported_modules(path, root):
            there = floor_of(module, root)
            if here is not None and there is not None and there > here:
                found.append(f"{path.relative_to(root)} imports {module}")
    return found


def circles(root):
    """Modules that import each other, directly or not."""
    files = {module_name(path, root): path for path in root.rglob("*.py")}
    graph = {
        name: {m for m in imported_modules(path, root) if m in files and m != name}
        for name, path in files.items()
    }

    def reaches(start):
        seen, todo = set(), list(graph[start])
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                todo.extend(graph[name])
        return seen

    return sorted(name for name in graph if name in reaches(name))


def plant(tmp_path, files):
    root = tmp_path / "sklearn_mle"
    for floor in FLOORS:
        (root / floor).mkdir(parents=True)
        (root / floor / "__init__.py").write_text("")
    for name, text in files.items():
        (root / name).write_text(text)
    return root


def test_no_file_imports_from_a_floor_above():
    assert upward_imports(PACKAGE) == []


def test_no_modules_import_in_a_circle():
    assert circles(PACKAGE) == []


@pytest.mark.parametrize(
    "line",
    [
        "import sklearn_mle.estimators.checks",
        "from sklearn_mle.estimators import checks",
        "from ..estimators import checks",
        "def late():\n    from sklearn_mle.estimators.checks import features",
    ],
)
def test_a_planted_upward_import_is_found(tmp_path, line):
    root = plant(tmp_path, {"solvers/newton.py": line, "estimators/checks.py": ""})
    assert any("solvers/newton.py" in found for found in upward_imports(root))


def test_downward_imports_and_imports_for_types_are_allowed(tmp_path):
    typed = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import sklearn_mle.reports.a"
    files = {"reports/a.py": "from sklearn_mle.noises import b", "noises/b.py": typed}
    assert upward_imports(plant(tmp_path, files)) == []


def test_a_planted_circle_is_found(tmp_path):
    files = {
        "rows/a.py": "from sklearn_mle.rows import b",
        "rows/b.py": "from sklearn_mle.rows.a import x",
    }
    assert circles(plant(tmp_path, files)) == ["sklearn_mle.rows.a", "sklearn_mle.rows.b"]


def test_optional_packages_are_imported_only_where_they_are_used():
    for path in PACKAGE.rglob("*.py"):
        top = [
            n
            for n in ast.parse(path.read_text()).body
            if isinstance(n, ast.Import | ast.ImportFrom)
        ]
        names = {ast.unparse(node).split()[1].split(".")[0] for node in top}
        allowed = {"dask"} if path.match("rows/dask_*.py") else set()
        assert not names & {"dask", "matplotlib", "pandas", "polars"} - allowed, path


def test_files_have_names_that_say_something_and_a_size_that_can_be_read():
    for path in PACKAGE.rglob("*.py"):
        assert path.stem not in VAGUE, path
        assert len(path.read_text().splitlines()) <= 400, path
