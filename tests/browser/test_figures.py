"""What pages draw and list is what the API says: read from the figures and the grids themselves."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import Stack
from tests.browser.looking import RECORDED, Trouble, opened, read, until
from txhub.client import AsyncClient
from txhub.contract import Kind

SPAN: Any = {"start": "2023-09-08T07:27:00Z", "end": "2023-09-08T07:30:00Z"}
FIELDS = ("type", "name", "x", "y", "z", "customdata", "link")


async def traces(page: Page, within: str) -> list[dict[str, Any]]:
    """What is drawn within an element, from the charts themselves, as soon as something is."""
    fields = ", ".join(FIELDS)
    draw = f"({{{fields}}}) => ({{{fields}}})"
    plots = f"[...document.querySelectorAll('{within} .js-plotly-plot')]"
    await until(page, f"{plots}.some(plot => plot.data?.length)")
    found: list[dict[str, Any]] = await page.evaluate(f"{plots}.flatMap(plot => plot.data.map({draw}))")
    return found


async def rows(page: Page, grid: str, column: str) -> list[str]:
    """What a column of a grid says, from the first row shown to the last."""
    cells = page.locator(f"#{grid} .ag-center-cols-container [role=row] [col-id={column}]")
    return await cells.all_inner_texts()


def written(times: list[datetime]) -> list[str]:
    return [f"{time:%Y-%m-%dT%H:%M:%S}" for time in times]


async def test_charts_over_time(stack: Stack, chromium: Browser) -> None:
    async with AsyncClient(stack.url) as api, opened(chromium, stack, f"/{RECORDED}") as (page, trouble):
        for metric, chart in (("tx_rate", "overview-rate"), ("avg_value", "overview-avg-value")):
            frame = await api.series(metric, by="chain", bucket="1m", **SPAN)
            line = (await traces(page, f"#{chart}"))[0]
            assert line["y"] == frame["value"].to_list()
            assert [each[:19] for each in line["x"]] == written(frame["time"].to_list())
        volume = await api.series("volume", by=("chain", "kind"), bucket="1m", **SPAN)
        stacks = await traces(page, "#overview-volume")
        assert sum(len(each["y"]) for each in stacks) == volume.filter(volume["value"] > 0).height > 0
        for each in stacks:
            kind = Kind(each["name"].lower().replace(" ", "_"))
            moved = volume.filter((volume["kind"] == kind) & (volume["value"] > 0))
            assert each["y"] == moved["value"].to_list()

        await page.goto(f"{stack.url}/history{RECORDED}&metric=volume&compare=1d")
        await read(page)
        past = await api.series("volume", by="chain", **SPAN)
        [line] = await traces(page, "#history-chart")
        assert line["y"] == past["value"].to_list()
        heat = (await traces(page, "#history-week"))[0]["z"]
        end = datetime.fromisoformat(SPAN["end"])
        week = await api.week("volume", start=end - timedelta(weeks=4), end=end)
        known = {(each.weekday - 1, each.hour): each.value for each in week.items}
        assert any(known.values())
        assert heat == [[known.get((day, hour)) for hour in range(24)] for day in range(7)]
        [cells] = await traces(page, "#history-coverage")
        report = await api.coverage(bucket="1m", **SPAN)
        assert cells["z"] == [[each.coverage for each in report.items]]
        assert trouble == Trouble()


async def test_charts_and_tables_of_parties(stack: Stack, chromium: Browser) -> None:
    async with AsyncClient(stack.url) as api, opened(chromium, stack, f"/flows{RECORDED}") as (page, trouble):
        flows = await api.flows(chain="ethereum", limit=40, **SPAN)
        [sankey] = await traces(page, "#flows-charts")
        assert sorted(sankey["link"]["value"]) == sorted(flow.tx_count for flow in flows.items)

        await page.goto(f"{stack.url}/map{RECORDED}")
        await read(page)
        origins = await api.origins(**SPAN)
        [marks] = await traces(page, "#map-origins")
        assert sorted(marks["customdata"]) == sorted(each.country for each in origins.items) == ["JP", "US"]
        unknown = page.locator("#map-countries tr", has_text="Unknown")
        await expect(unknown.get_by_title(f"{origins.unknown.tx_count:,}")).to_be_visible()
        await expect(page.locator("#observers-shown")).to_contain_text("geoip")

        await page.goto(f"{stack.url}/addresses{RECORDED}")
        await read(page)
        for side, ranking in (
            ("senders", await api.top_senders(chain="ethereum", limit=50, **SPAN)),
            ("receivers", await api.top_receivers(chain="ethereum", limit=50, **SPAN)),
        ):
            counts = [f"{each.tx_count:,}" for each in ranking.items]
            assert (await rows(page, f"{side}-rows", "count")) == counts

        await page.goto(f"{stack.url}/exposure{RECORDED}")
        await read(page)
        report = await api.exposure(limit=500, **SPAN)
        assert report.total.direct
        bars = {each["name"]: each for each in await traces(page, "#exposure-days")}
        assert bars["direct"]["x"] == [str(each.day) for each in report.by_day]
        assert bars["direct"]["y"] == [each.direct for each in report.by_day]
        assert bars["by one between"]["y"] == [each.indirect for each in report.by_day]
        counted = page.locator("#exposure-rows .ag-paging-row-summary-panel")
        await expect(counted).to_contain_text(f"{len(report.items):,}")

        await page.goto(f"{stack.url}/operations{RECORDED}")
        await read(page)
        [stream] = await api.health()
        assert stream.last_block == 18090218
        row = page.locator("#main tr", has_text="18,090,218")
        await expect(row.first).to_contain_text(stream.status)
        assert trouble == Trouble()
