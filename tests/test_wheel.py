"""The library as it is installed: a wheel in an empty environment, without the page, at both ends of its versions."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
FILES = ["conftest.py", "hostile.py", "nets.py", "test_cams.py", "test_targets.py", "test_layers.py", "test_overlay.py"]
FILES += ["test_measures.py", "test_pictures.py"]


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    run("git", "clone", "-q", "--no-hardlinks", "--depth=1", f"file://{ROOT}", source)
    run(sys.executable, "-m", "pip", "wheel", "--no-deps", "-q", "-w", folder, source)
    return next(folder.glob("*.whl"))


def environment(folder, *packages):
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages)
    return python


def lowest():
    """The lowest versions that the project names, as pip takes them."""
    return [re.sub(r">=([^,]+).*", r"==\1", requirement) for requirement in PROJECT["dependencies"]]


def readme_example():
    text = (ROOT / "README.md").read_text()
    section = text[text.index("## Explain a model of your own") :]
    return re.search(r"```python\n(.*?)```", section, re.S)[1]


def test_every_requirement_has_a_lowest_version():
    assert all(re.fullmatch(r"[a-z0-9-]+==[\d.]+", requirement) for requirement in lowest())


def imported(name):
    """First names of all that a test's file imports."""
    for node in ast.walk(ast.parse((ROOT / "tests" / name).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("name", FILES)
def test_what_runs_beside_the_wheel_needs_no_other_file_of_the_project(name):
    others = {path.stem for path in (ROOT / "tests").glob("*.py") if path.name not in FILES}
    assert not {"page", "training", "study", *others} & set(imported(name))


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("ends", ["newest", "lowest"])
def test_a_wheel_runs_the_readme_s_example_in_an_empty_environment(wheel, tmp_path, ends):
    python = environment(tmp_path / "venv", wheel, *(lowest() if ends == "lowest" else []))
    (tmp_path / "photo.jpg").write_bytes((ROOT / "examples" / "cat-chelsea.jpg").read_bytes())
    script = tmp_path / "example.py"
    script.write_text(readme_example())
    clean = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "TF_CPP_MIN_LOG_LEVEL": "2"}
    run(python, script, cwd=tmp_path, env=clean)
    assert list((tmp_path / "maps").glob("*.png"))
    listed = run(python, "-I", "-c", "import pkgutil; print(*(m.name for m in pkgutil.iter_modules()))").split()
    assert "explain" in listed
    assert not {"gradio", "page", "training", "study", "sklearn", "scipy"} & set(listed)
    run(python, "-m", "pip", "install", "-q", "pytest")
    (tmp_path / "tests").mkdir()
    for name in FILES:
        shutil.copy(ROOT / "tests" / name, tmp_path / "tests")
    run(python, "-m", "pytest", "-q", "-m", "not slow", cwd=tmp_path / "tests", env=clean)
