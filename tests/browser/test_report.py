"""The report of a month in a browser: axe finds no barrier, and on a phone nothing but tables and charts scrolls."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser

from blocks.report.report import report_page
from tests.blocks.report.test_report import report
from tests.browser.screen import PHONE, WIDE, Scheme, window
from tests.browser.test_access import barriers

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
async def test_the_report_can_be_read_by_everyone(
    browser: Browser, tmp_path: Path, size: tuple[int, int], scheme: Scheme
) -> None:
    file = tmp_path / "report.html"
    file.write_text(report_page(report()))
    async with window(browser, file.as_uri(), size, scheme) as screen:
        assert await barriers(screen) == []
        assert await screen.page.evaluate("document.scrollingElement.scrollWidth") == size[0]
        await screen.picture(f"report_{'phone' if size == PHONE else 'wide'}_{scheme}")
