"""`/docs` in a browser: each operation, field and problem is there, requests can be tried, all files are local."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from bot.api.description.openapi import openapi_document
from bot.api.description.route import Route
from bot.api.description.routes import ROUTES
from bot.api.problem_types import name_of
from rules.package.model import DecisionPackage
from tests.bot.service import SOFT, AgentApi, open_api
from tests.browser.scene import IN_BROWSER
from tests.browser.screen import PHONE, WIDE, Screen, window

pytestmark = IN_BROWSER

BOTH_SIZES = pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])


@pytest_asyncio.fixture(loop_scope="session")
async def api(database_url: str, tmp_path: Path) -> AsyncIterator[AgentApi]:
    async with open_api(database_url, tmp_path) as opened_api:
        yield opened_api


@pytest.fixture
def size() -> tuple[int, int]:
    return WIDE


@pytest_asyncio.fixture(loop_scope="session")
async def screen(api: AgentApi, browser: Browser, size: tuple[int, int]) -> AsyncIterator[Screen]:
    async with window(browser, f"{api.url}/docs", size) as opened_screen:
        await expect(operation(opened_screen.page, ROUTES[0])).to_be_visible()
        yield opened_screen
        assert opened_screen.complaints == []


def operation(page: Page, route: Route) -> Locator:
    return page.locator(f"#operations-{'Packages' if route.of_agents else 'Service'}-{route.name}")


async def unfold(page: Page, route: Route) -> Locator:
    block = operation(page, route)
    await block.locator(".opblock-summary-control").click()
    await expect(block.locator(".responses-wrapper")).to_be_visible()
    return block


async def answer_texts(block: Locator) -> dict[str, str]:
    """What the page says about each answer, by its status."""
    rows = block.locator("tr.response")
    read = "rows => rows.map(row => [row.dataset.code, row.innerText.replace(/\\s+/g, ' ')])"
    return dict(await rows.evaluate_all(read))


@BOTH_SIZES
async def test_the_page_fits_the_screen_without_overlaps(screen: Screen, size: tuple[int, int]) -> None:
    name = "docs_phone" if size == PHONE else "docs_wide"
    await screen.picture(name)
    block = await unfold(screen.page, ROUTES[0])
    await block.scroll_into_view_if_needed()
    await screen.picture(f"{name}_operation")
    assert await screen.page.evaluate("document.scrollingElement.scrollWidth") == size[0]
    assert await screen.measure("overlaps") == []


async def test_every_operation_is_there_with_its_parameters_answers_and_problems(screen: Screen) -> None:
    await expect(screen.page.locator(".opblock")).to_have_count(len(ROUTES) + 1)  # and the callback
    texts: dict[str, str] = {}
    for route in ROUTES:
        block = await unfold(screen.page, route)
        texts[route.name] = text = await block.inner_text()
        assert route.title in text
        answers = await answer_texts(block)
        for answer in route.answers:
            assert answer.when.replace("`", "") in answers[str(answer.status)]  # the page shows it as code
        assert [kind for kind in route.problems if name_of(kind) not in text] == []
        assert [name for name in route.takes if name not in text] == []
        await block.locator(".opblock-summary-control").click()  # the more is unfolded, the slower the page
    assert '"policy_version": "string"' in texts["readyz"]  # a field of a schema that the answer refers to


async def test_every_schema_is_there_and_every_field_of_a_package(screen: Screen) -> None:
    schemas = screen.page.locator("section.models")
    await schemas.get_by_role("button", name="Schemas").click()
    titles = await schemas.locator(".json-schema-2020-12__title").all_inner_texts()
    assert set(openapi_document()["components"]["schemas"]) <= set(titles)
    package = schemas.locator('[data-json-schema-level="0"]').filter(has_text="DecisionPackage").first
    await package.get_by_role("button", name="Expand all").click()
    shown = await package.locator(".json-schema-2020-12__title").all_inner_texts()
    assert [field for field in DecisionPackage.model_fields if field not in shown] == []


async def test_a_reader_tries_a_request_with_a_key_and_sees_it_as_a_command(screen: Screen, api: AgentApi) -> None:
    page = screen.page
    await page.get_by_role("button", name="Authorize").first.click()
    dialog = page.locator(".dialog-ux")
    await dialog.get_by_role("textbox").fill(api.key)
    await dialog.get_by_role("button", name="Apply credentials").click()
    await dialog.get_by_role("button", name="Close").click()
    block = await unfold(page, ROUTES[0])
    await block.get_by_role("button", name="Try it out").click()
    await block.locator("textarea").fill(json.dumps(SOFT))
    await block.get_by_role("button", name="Execute").click()
    await expect(block.locator(".live-responses-table .response-col_status").last).to_contain_text("202")
    await expect(block.locator(".curl-command")).to_contain_text("curl -X 'POST'")
    assert [package["status"] for package in (await api.get("/v1/packages")).body["packages"]] == ["pending"]


async def test_the_page_loads_nothing_else(api: AgentApi, browser: Browser) -> None:
    asked: list[str] = []
    async with window(browser, "about:blank") as screen:
        screen.page.on("request", lambda request: asked.append(request.url))
        await screen.page.goto(f"{api.url}/docs")
        await unfold(screen.page, ROUTES[0])
    assert [url for url in asked if not url.startswith("data:")] == [f"{api.url}/docs"]
    assert screen.complaints == []
