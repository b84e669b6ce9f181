"""The form of rules in a browser: made, tried on the past, changed, refused in words, and ended."""

from __future__ import annotations

import json

from playwright.async_api import Browser, expect

from tests.browser.conftest import Stack
from tests.browser.looking import VIEW, ends, findings, opened, read
from txhub.detect.defaults import keep_rules
from txhub.detect.jobs import do_next
from txhub.store.pool import open_pool
from txhub.store.read import Reader
from txhub.store.rules import read_rules


async def test_a_rule_is_made_tried_changed_and_ended(own_stack: Stack, chromium: Browser) -> None:
    async with open_pool(own_stack.database_url, name="test") as pool, Reader(own_stack.database_url) as reader:
        await keep_rules(pool, {})
        async with opened(chromium, own_stack, "/alerts?range=7d") as (page, trouble):
            await page.locator("#main").get_by_role("link", name="Rules").click()
            await page.wait_for_url(ends("/rules?range=7d"))
            await expect(page.get_by_role("link", name="fan-in")).to_be_visible()
            assert await findings(page) == []
            await page.get_by_role("link", name="New rule").click()
            await page.get_by_label("Name").fill("mine")
            definition = page.get_by_label("Definition")
            await definition.fill("{")
            await page.get_by_role("button", name="Make the rule").click()
            await expect(page.locator("#new-rule-said")).to_contain_text("The definition is no JSON")
            await definition.fill('{"pattern": "amount", "amount": {"native": "20"}}')
            await page.get_by_role("button", name="Make the rule").click()
            await page.wait_for_url(ends("/rules/mine?range=7d"))
            await read(page)
            await expect(definition).to_have_value(_written("20"))

            await page.get_by_role("button", name="Try").click()
            await expect(page.locator("#rule-tried")).to_have_text("It waits for the worker …")
            assert await do_next(pool, reader)
            await expect(page.locator("#rule-found")).to_contain_text("It would never have been met.")

            await definition.fill('{"pattern": "amount", "amont": 1}')
            await page.get_by_role("button", name="Save").click()
            await expect(page.locator("#rule-said")).to_contain_text("amont does not exist here")
            await definition.fill('{"pattern": "amount", "amount": {"native": "21"}}')
            await page.get_by_role("button", name="Save").click()
            await expect(page.locator("#rule-said")).to_have_text("Saved: version 2.")
            await expect(definition).to_have_value(_written("21"))
            assert await findings(page) == []
            await page.set_viewport_size(VIEW["phone"])
            await page.reload()
            await read(page)
            await expect(definition).to_have_value(_written("21"))
            assert await page.evaluate("document.documentElement.scrollWidth") == VIEW["phone"]["width"]

            page.once("dialog", lambda dialog: dialog.accept())
            await page.get_by_role("button", name="Delete").click()
            await page.wait_for_url(ends("/rules?range=7d"))
            assert "mine" not in {rule.name for rule in await read_rules(pool)}
            assert trouble.foreign == []
            assert [refused.removeprefix(own_stack.url) for refused in trouble.refused] == ["/v1/rules/mine"]


def _written(amount: str) -> str:
    """The definition as the form shows it, with what the API added."""
    return json.dumps({"pattern": "amount", "scope": {}, "amount": {"native": amount}, "cooldown": "6h"}, indent=2)
