"""Draw the pictures in ui/hosting/icons anew from icon.svg and card.html there; needs Chromium."""

import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

FOLDER = Path(__file__).resolve().parents[1] / "ui" / "hosting" / "icons"
SIZES = (32, 180, 192, 512)  # pixels: for tabs of browsers, for phones of Apple, and for installing the page
CARD = (1200, 630)
NAMES = ("chromium", "chromium-browser", "google-chrome")


def main() -> None:
    """Write icon-SIZE.png and card.png."""
    browser_path = next(filter(None, map(shutil.which, NAMES)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = browser.new_page()
        for size in SIZES:
            _draw(page, "icon.svg", f"icon-{size}.png", size, size)
        _draw(page, "card.html", "card.png", *CARD)
        browser.close()


def _draw(page: Page, source: str, target: str, width: int, height: int) -> None:
    """Write a file as the browser shows it, in 64 colours."""
    page.set_viewport_size({"width": width, "height": height})
    page.goto((FOLDER / source).as_uri())
    page.screenshot(path=FOLDER / target, omit_background=True)
    with Image.open(FOLDER / target) as picture:
        picture.convert("RGBA").quantize(64, method=Image.Quantize.FASTOCTREE).save(FOLDER / target, optimize=True)


if __name__ == "__main__":
    main()
