"""The page behind its door, in Chromium: everything it asks for is let through, also in a frame of a Space's page."""

import contextlib
from collections.abc import Iterator

import pytest
from judges import encoded, picture
from playwright.sync_api import Browser, Error, sync_playwright

pytest_plugins = ["page_fixtures"]
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-features=LocalNetworkAccessChecks"]
SHOWN = ".tm[data-state=result]:not([data-busy])"
WAIT = 60_000  # milliseconds


@pytest.fixture(scope="module")
def browser(chromium) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(WAIT)
    page.complaints = []
    page.on("console", lambda line: line.type == "error" and page.complaints.append(f"{line.text} {line.location}"))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("response", lambda answer: answer.status >= 400 and page.complaints.append(f"{answer.status} {answer.url}"))
    yield page
    context.close()


def framed(page, host: str, server):
    """The page in a frame on a page of another host."""
    html = f'<!doctype html><link rel="icon" href="data:,"><iframe src="{server.url}" width=1200 height=900></iframe>'
    page.route(f"{host}/**", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto(f"{host}/spaces/someone/two-minds")
    return page.frames[1]


def give(frame) -> None:
    frame.wait_for_selector(".tm[data-state]:not([data-status])")
    file = {"name": "a.png", "mimeType": "image/png", "buffer": encoded(picture(red=255))}
    frame.set_input_files("input[type=file]", file)
    frame.wait_for_selector(SHOWN)


def test_in_a_frame_of_a_space_it_takes_a_photo_and_answers(page, server):
    frame = framed(page, "https://huggingface.co", server)
    give(frame)
    assert "Cat" in frame.locator("[data-ref=bars-0]").inner_text()
    assert page.complaints == []


def test_no_other_host_can_frame_it(page, server):
    frame = framed(page, "https://evil.example", server)
    page.wait_for_timeout(2000)
    with contextlib.suppress(Error):  # the frame shows an error of the browser's
        assert frame.locator(".tm").count() == 0
    assert any("frame-ancestors" in complaint for complaint in page.complaints)


def test_all_tabs_and_the_page_for_programs_find_what_they_ask_for(page, server):
    page.goto(server.url)
    give(page)
    for tab in ("Evidence", "About", "Compare"):
        page.get_by_role("tab", name=tab).click()
        page.wait_for_timeout(1500)
    page.get_by_role("button", name="API").first.click()
    page.get_by_text("/compare").locator("visible=true").first.wait_for()
    page.wait_for_timeout(1000)
    # Gradio's page for programs would show how often its endpoints were asked, and tools of MCP; it does without
    expected = ("/monitoring/summary", "/mcp/schema")
    assert [complaint for complaint in page.complaints if not any(path in complaint for path in expected)] == []
