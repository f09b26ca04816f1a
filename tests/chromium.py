"""A headless Chromium for the tests of report and page, and what they ask of it."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1200,900",
)
AXE = Path(__file__).parent / "browser" / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = ("serious", "critical")


def open_browser(profile: Path, downloads: Path | None = None) -> Iterator[Any]:
    """Open a browser, for a fixture to yield from."""
    driver = shutil.which("chromedriver")
    if not (driver and shutil.which("chromium")):
        pytest.skip("chromium and chromium-driver are not installed")
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = shutil.which("chromium")
    for option in (*OPTIONS, f"--user-data-dir={profile}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    if downloads:
        options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    found = webdriver.Chrome(options=options, service=Service(driver))
    found.get("about:blank")
    yield found
    found.quit()


def wait_for(condition: Callable[[], Any], seconds: float = 20) -> Any:
    """Return what the condition gives once that is true, or what it gave last."""
    end = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


def resize(browser: Any, width: int, scheme: str = "light") -> None:
    """Give the window a width in pixels, and prefer a colour scheme."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)


def asked(browser: Any) -> list[str]:
    """Return the URLs requested since the last call."""
    events = (json.loads(entry["message"])["message"] for entry in browser.get_log("performance"))
    return [one["params"]["request"]["url"] for one in events if one["method"] == "Network.requestWillBeSent"]


def complaints(browser: Any) -> list[str]:
    """Return the errors and warnings in the console since the last call."""
    return [one["message"] for one in browser.get_log("browser") if one["level"] in ("SEVERE", "WARNING")]


def violations(browser: Any) -> list[str]:
    """Return what axe-core finds serious or critical, charts included; skip where it is not installed."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: npm ci --prefix tests/browser")
    browser.execute_script(AXE.read_text(encoding="utf-8"))
    found = browser.execute_async_script("axe.run(document).then(arguments[0])")
    return [
        f"{one['id']} ({one['impact']}): {node['target']}"
        for one in found["violations"]
        for node in one["nodes"]
        if one["impact"] in SERIOUS
    ]
