"""The workbench as a user sees and drives it: by keys, names and roles. Every step waits for what it needs to see."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from playwright.sync_api import FrameLocator, Locator, Page, expect

PATIENCE_MS = 120_000  # for anything: a machine under load is slow, and no test measures time
EDITOR = ".monaco-editor.focused"
SQUIGGLED = """(kind) => {
  const top = (element) => element.parentElement.style.top || element.parentElement.getBoundingClientRect().top;
  const editor = document.querySelector('.monaco-editor.focused');
  if (!editor) return [];
  const numbers = [...editor.querySelectorAll('.margin .line-numbers')];
  const lines = new Map(numbers.map((element) => [top(element), Number(element.textContent)]));
  const found = [...editor.querySelectorAll(kind)].map((element) => lines.get(top(element)));
  return [...new Set(found)].filter((line) => line !== undefined);
}"""


class Workbench:
    def __init__(self, page: Page, url: str, pictures: Path) -> None:
        self.page = page
        self._url = url
        self._pictures = pictures
        page.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)

    def open(self, path: Path) -> None:
        """A folder, or a .code-workspace file."""
        kind = "workspace" if path.suffix == ".code-workspace" else "folder"
        self.page.goto(f"{self._url}/?{kind}={quote(str(path))}")
        self.page.wait_for_selector(".monaco-workbench")

    def widen_side_bar(self, by: int) -> None:
        """So that rows are read whole."""
        edge = self.page.locator(".part.sidebar").bounding_box()
        assert edge
        x, y = edge["x"] + edge["width"], edge["y"] + edge["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + by, y, steps=5)
        self.page.mouse.up()

    def answer_trust(self, *, trust: bool) -> None:
        """The question that VS Code asks of a folder it sees for the first time."""
        name = re.compile("^Yes, I trust" if trust else "^No, I don't trust")
        self.page.locator(".monaco-dialog-box").get_by_role("button", name=name).click()
        expect(self.page.locator(".monaco-dialog-box")).to_have_count(0)

    def grant_trust(self) -> None:
        """From restricted mode, by the workspace trust editor."""
        self.command("Workspaces: Manage Workspace Trust")
        self.page.locator(".workspace-trust-editor").get_by_role("button", name="Trust", exact=True).click()
        expect(self.status("Restricted Mode")).to_have_count(0)
        self.page.keyboard.press("Control+w")

    def status(self, text: str | re.Pattern[str]) -> Locator:
        """Items of the status bar."""
        return self.page.locator(".statusbar-item").filter(has_text=text)

    def command(self, title: str) -> None:
        """By the command palette."""
        box = self._quick_input("F1", f">{title}")
        box.locator(".monaco-list-row.focused").filter(has_text=title.split(": ")[-1]).wait_for()
        self.page.keyboard.press("Enter")

    def go_to(self, name: str, line: int = 1, column: int = 1) -> None:
        """Open a file by its name with the cursor there."""
        box = self._quick_input("Control+p", name)
        box.locator(".monaco-list-row.focused").filter(has_text=Path(name).name).wait_for()
        self.page.keyboard.type(f":{line}:{column}")
        self.page.keyboard.press("Enter")
        expect(self.status(f"Ln {line}, Col {column}")).to_be_visible()

    def _quick_input(self, key: str, text: str) -> Locator:
        box = self.page.locator(".quick-input-widget")
        self.page.keyboard.press(key)
        entry = box.locator(".quick-input-filter input")
        entry.wait_for()
        entry.fill(text)
        return box

    def lens(self, title: str | re.Pattern[str]) -> Locator:
        """title: all of it, or a pattern of a part."""
        whole = re.compile(f"^{re.escape(title)}$") if isinstance(title, str) else title
        return self.page.locator(".codelens-decoration a").filter(has_text=whole)

    def notice(self, text: str | re.Pattern[str]) -> Locator:
        """Notifications: toasts, and those in the centre."""
        return self.page.locator(".notification-list-item").filter(has_text=text)

    def close_notices(self) -> None:
        self.command("Notifications: Clear All Notifications")

    def text(self) -> str:
        """What the editor with the focus shows, as far as it is on the screen; lines in no order."""
        return "\n".join(self.page.locator(f"{EDITOR} .view-line").all_inner_texts()).replace("\xa0", " ")

    def squiggled_lines(self) -> list[int]:
        """Numbers of the lines on the screen that have a squiggle, in the editor with the focus."""
        return self.page.evaluate(SQUIGGLED, ".squiggly-error, .squiggly-warning, .squiggly-info")

    def problems(self) -> list[str]:
        """Rows of the Problems panel, as a screen reader says them."""
        self.command("Problems: Focus on Problems View")
        self.command("View: Toggle Maximized Panel")  # only rows on the screen exist
        rows = self.page.locator(".markers-panel .monaco-list-row")
        rows.first.wait_for()
        found = rows.evaluate_all("rows => rows.map((row) => row.getAttribute('aria-label'))")
        self.command("View: Toggle Maximized Panel")
        self.command("View: Toggle Problems")
        return found

    def hover(self) -> Locator:
        """What hovering over the cursor's place says."""
        self.page.keyboard.press("Control+k")
        self.page.keyboard.press("Control+i")
        shown = self.page.locator(".monaco-resizable-hover:visible, .monaco-hover:visible").first
        shown.wait_for()
        return shown

    def view(self, name: str) -> Locator:
        """A view of the extension, brought into sight, with the whole side bar to itself."""
        self.command(f"evolverec: Focus on {name} View")
        header = f".pane-header[aria-label^='{name}']"
        view = self.page.locator(".pane").filter(has=self.page.locator(header))
        expect(view.locator(header)).to_have_attribute("aria-expanded", "true")
        others = self.page.locator(f".sidebar .pane-header[aria-expanded=true]:not({header})")
        for _ in range(others.count()):
            others.first.click(position={"x": 30, "y": 8})  # its name: the middle may be one of its buttons
        expect(others).to_have_count(0)
        return view

    def row(self, view: Locator, text: str | re.Pattern[str]) -> Locator:
        return view.locator(".monaco-list-row").filter(has_text=text).first

    def unfold(self, row: Locator) -> None:
        """By the arrow before it: a click on its text would also open what it stands for."""
        if row.get_attribute("aria-expanded") == "false":
            row.locator(".monaco-tl-twistie").click()
        expect(row).to_have_attribute("aria-expanded", "true")

    def row_action(self, row: Locator, title: str) -> None:
        """A button that a row shows while the mouse is over it."""
        row.hover()
        row.get_by_role("button", name=title, exact=True).click()

    def frame(self) -> FrameLocator:
        """Inside of the web view that is shown."""
        return self.page.frame_locator("iframe.webview.ready").frame_locator("iframe#active-frame")

    def tab(self, title: str | re.Pattern[str]) -> Locator:
        return self.page.locator(".tabs-container .tab").filter(has_text=title)

    def save(self) -> None:
        self.page.keyboard.press("Control+s")
        expect(self.page.locator(".tabs-container .tab.dirty")).to_have_count(0)

    def wait(self, what: str, condition: Callable[[], Any]) -> Any:
        """Until the condition holds; for what is not in the page, such as files and processes."""
        for _ in range(PATIENCE_MS // 100):
            if found := condition():
                return found
            self.page.wait_for_timeout(100)
        raise AssertionError(f"waited in vain for {what}")

    def picture(self, name: str) -> None:
        self._pictures.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=self._pictures / f"{name}.png")
