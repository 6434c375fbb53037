"""What a host needs: the container's files, several servers behind one address, and what stands in no file."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from balancer import Balancer
from judges import ROOT, STARTING, encoded, picture, start, stop, wait_until
from patient import say

pytest_plugins = ["page_fixtures"]
PYTHONS = ("3.11", "3.12", "3.13")


def tracked() -> list[Path]:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [ROOT / name for name in names.split("\0") if name]


# --- the container ----------------------------------------------------------------------------------------------------


def instructions() -> list[tuple[str, str]]:
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.partition(" ")[0], line.partition(" ")[2].strip()) for line in lines]


def test_the_container_runs_without_root_and_says_whether_it_is_well():
    last = [kind for kind, _ in instructions()].index("FROM", 2)
    stage = instructions()[last:]
    kinds = [kind for kind, _ in stage]
    assert kinds.index("USER") > max(place for place, kind in enumerate(kinds) if kind in ("RUN", "COPY"))
    assert dict(stage)["USER"] not in ("root", "0")
    assert "/healthz" in dict(stage)["HEALTHCHECK"]
    assert json.loads(dict(stage)["ENTRYPOINT"]) == ["/venv/bin/python", "app.py"]
    assert dict(instructions())["ARG"].partition("=")[2] in PYTHONS
    service = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["page"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "privileged" not in service


IMPORTED = re.compile(r"^\s*(?:from|import) (explain|page|study|training|tests|benchmarks)\b", re.MULTILINE)


def test_the_container_holds_what_the_page_needs_and_no_more():
    copied = [name for kind, value in instructions() if kind == "COPY" for name in value.split()[:-1]]
    copied = [name for name in copied if not name.startswith("--from") and name != "/venv"]
    let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert sorted(copied) == sorted(let_in)
    assert all((ROOT / name).exists() for name in copied)
    rooms = {name for name in copied if (ROOT / name / "__init__.py").exists()}
    for room in rooms:  # whoever is imported is there
        for path in (ROOT / room).rglob("*.py"):
            for name in IMPORTED.findall(path.read_text()):
                assert name in rooms, (path, name)


HOSTS = re.compile(r"\b(?:pypi\.org|pythonhosted|docker\.io|ghcr\.io|quay\.io|gcr\.io|registry\.npmjs|hub\.docker)")
TEXT = {"", ".md", ".py", ".toml", ".txt", ".yml", ".yaml", ".json", ".cff", ".js", ".html"}


def test_no_file_names_the_host_of_a_registry():
    named = []
    for path in tracked():
        if path.suffix in TEXT and path.is_file():
            text = path.read_text(encoding="utf-8", errors="ignore")
            if HOSTS.search(text) and path != Path(__file__):
                named.append(path.relative_to(ROOT).as_posix())
    assert named == []


# --- several servers --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two(server, weights, evidence, tmp_path_factory):
    """Two servers of the same models; the one of them is what other tests use."""
    other = start(tmp_path_factory.mktemp("other"), "--weights", str(weights), "--evidence", str(evidence))
    try:
        wait_until(lambda: "The models are ready" in other.log(), STARTING, "the models are ready")
        yield [server.url, other.url]
    finally:
        stop(other)


@pytest.mark.slow
def test_a_program_is_answered_by_any_of_several(two):
    with Balancer(two, affinity=False) as balancer:
        for _ in range(6):
            said = say(balancer.url, "POST", "/describe", encoded(picture(red=255)))
            assert said.status == 200
            assert said.json["models"][0]["says"] == "Cat"
        assert min(balancer.asked) == 3


@pytest.mark.slow
@pytest.mark.parametrize("affinity", [True, False])
def test_the_page_behind_a_balancer(chromium, two, tmp_path, affinity):
    """With affinity all is as ever; without it the page says what is wrong, and does not ask for ever."""
    from playwright.sync_api import sync_playwright

    (tmp_path / "red.png").write_bytes(encoded(picture(red=255)))
    with Balancer(two, affinity) as balancer, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--headless", "--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.goto(balancer.url)
        page.wait_for_selector(".tm[data-state=empty]", timeout=60_000)
        page.set_input_files("[data-ref=file]", tmp_path / "red.png")
        if affinity:
            page.wait_for_selector(".tm[data-state=result]:not([data-busy])", timeout=60_000)
            assert page.locator("[data-ref=words]").inner_text().startswith("Both say cat")
            assert 0 in balancer.asked
        else:
            page.wait_for_selector(".tm-error:visible", timeout=60_000)
            assert "runs on several servers" in page.inner_text(".tm-error")
            assert not page.locator(".tm[data-busy]").count()
        browser.close()


@pytest.mark.slow
def test_many_visitors_are_answered_by_one_server_and_by_two(weights):
    """The small form of benchmarks/load.py: none is refused, and each server computes once what is asked again."""
    command = [sys.executable, "benchmarks/load.py", "--weights", str(weights), "--minutes", "0.3", "--processes", "2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    tables = [
        re.findall(r"^(a photo|an example|smoothgrad) +(.*)$", part, re.M)
        for part in done.stdout.split("app.py on")[1:]
    ]
    assert len(tables) == 2
    for servers, table in enumerate(tables, 1):
        assert len(table) == 3
        for kind, row in table:
            questions, refused, failures, different, computed, *seconds = map(float, row.split())
            assert (refused, failures) == (0, 0), done.stdout
            assert questions >= computed >= different > 0
            assert computed <= servers * different, kind
            assert seconds[0] <= seconds[1] <= seconds[2] + 0.01
    assert float(re.search(r"against that of one: (\S+)", done.stdout)[1]) > 0


# --- what others find -------------------------------------------------------------------------------------------------


def test_the_citation_and_the_package_are_of_one_version():
    import tomllib

    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert cited["version"] == project["version"]
    assert cited["license"] == project["license"]
    assert {"cff-version", "message", "title", "authors", "abstract"} <= cited.keys()
    assert all("name" in author or "family-names" in author for author in cited["authors"])


def test_the_public_checks_run_on_every_python_that_is_supported():
    flow = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text())
    matrix = next(job["strategy"]["matrix"] for job in flow["jobs"].values() if "strategy" in job)
    assert matrix["python"] == list(PYTHONS)
    runs = [step.get("run", "") for job in flow["jobs"].values() for step in job["steps"]]
    for script in ("scripts/check", "scripts/test"):
        assert any(script in run for run in runs)
        assert (ROOT / script).exists()
    assert flow["permissions"] == {"contents": "read"}
    for job in flow["jobs"].values():
        for step in job["steps"]:
            assert "uses" not in step or re.search(r"@v\d+", step["uses"])


@pytest.mark.slow
def test_no_package_has_a_known_weakness():
    """By pip-audit, of all that is installed for the page; skipped where it, or its service, is not there."""
    pytest.importorskip("pip_audit", reason="needs pip-audit (requirements-test.txt)")
    command = [sys.executable, "-m", "pip_audit", "--progress-spinner", "off", "--format", "json", "--timeout", "15"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    try:
        audited = json.loads(done.stdout)["dependencies"]
    except ValueError:
        pytest.skip(f"its service cannot be reached: {done.stderr.strip().splitlines()[-1:]}")
    weak = {each["name"]: [found["id"] for found in each["vulns"]] for each in audited if each.get("vulns")}
    assert len(audited) > 20
    assert weak == {}
