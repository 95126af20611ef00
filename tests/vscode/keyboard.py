"""The workbench by keys alone: what has the focus is what a screen reader is told. A mouse that was used all the same is noticed."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.vscode.workbench import Workbench

MOST_ROWS, MOST_STOPS, MOST_TRIES = 60, 15, 8
WATCH_MOUSE = """
window.evolverecMouse = 0;
for (const kind of ['mousedown', 'mousemove', 'pointerdown', 'pointermove']) {
  window.addEventListener(kind, (event) => { if (event.isTrusted) window.evolverecMouse += 1; }, true);
}
"""
FOCUSED_ROW = """() => {
  const id = document.activeElement?.getAttribute('aria-activedescendant');
  return (id && document.getElementById(id)?.getAttribute('aria-label')) || '';
}"""
FOCUSED_WORDS = """() => {
  const focused = document.activeElement;
  return focused?.getAttribute('aria-label') || focused?.innerText || '';
}"""


def watch_mouse(page: Page) -> None:
    """Before the page is opened."""
    page.add_init_script(WATCH_MOUSE)


def mouse_events(page: Page) -> int:
    return page.evaluate("window.evolverecMouse")


class Keyboard:
    def __init__(self, workbench: Workbench) -> None:
        self.workbench = workbench
        self.page = workbench.page

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def chord(self, key: str) -> None:
        """One of evolverec's own shortcuts."""
        self.press("Shift+Alt+E")
        expect(self.workbench.status(re.compile(r"Shift\+Alt\+E.* was pressed"))).to_be_visible()
        self.press(key)

    def tab_to(self, words: str) -> None:
        """By Tab, to what has these words."""
        for _ in range(MOST_STOPS):
            if re.search(words, self.page.evaluate(FOCUSED_WORDS)):
                return
            self.press("Tab")
        raise AssertionError(f"Tab does not reach {words!r}")

    def view(self, name: str) -> None:
        """A view of the extension, the focus on its rows."""
        self.workbench.command(f"evolverec: Focus on {name} View")
        self.rows()

    def rows(self) -> None:
        """Until the view with the focus has rows, with the focus on one."""
        self.workbench.wait("a row with the focus", self._on_a_row)

    def _on_a_row(self) -> str:
        if not self.page.evaluate(FOCUSED_ROW):
            self.press("Home")
        return self.page.evaluate(FOCUSED_ROW)

    def row(self, words: str) -> str:
        """Down the rows of the view with the focus, to one that a screen reader says so. All of what it says."""
        self.press("Home")
        passed: list[str] = []
        for _ in range(MOST_ROWS):
            said = str(self.page.evaluate(FOCUSED_ROW))
            if re.search(words, said):
                return said
            passed.append(said)
            self.press("ArrowDown")
            self.page.wait_for_timeout(50)  # rows are drawn once they are scrolled to
        raise AssertionError(f"no row says {words!r}, but {passed}")

    def focused(self) -> str:
        """What a screen reader says of the row with the focus."""
        return str(self.page.evaluate(FOCUSED_ROW))

    def menu(self, title: str, picture: str = "") -> None:
        """Of the row with the focus."""
        self.press("Shift+F10")
        focused = self.page.locator(".monaco-menu .action-item.focused")
        self.page.locator(".monaco-menu").first.wait_for()
        if picture:
            self.workbench.picture(picture)
        for _ in range(MOST_STOPS):
            if focused.count() and focused.first.inner_text().strip().startswith(title):
                self.press("Enter")
                expect(self.page.locator(".monaco-menu")).to_have_count(0)
                return
            self.press("ArrowDown")
        raise AssertionError(f"the menu of the row has no {title!r}")

    def pick(self, words: str, question: str, picture: str = "") -> None:
        """In the list that a command asks with."""
        box = self.page.locator(".quick-input-widget")
        entry = box.locator(".quick-input-filter input")
        expect(entry).to_have_attribute("placeholder", question)
        box.locator(".monaco-list-row").first.wait_for()
        if picture:
            self.workbench.picture(picture)
        if words:
            self.page.keyboard.type(words)
            expect(box.locator(".monaco-list-row.focused")).to_contain_text(re.compile(words, re.IGNORECASE))
        self.press("Enter")

    def close(self, tab: str | re.Pattern[str]) -> None:
        """The editor in front, whose tab says so."""
        shown: Locator = self.workbench.tab(tab)
        expect(shown.first).to_be_visible()
        # A page takes the focus once more when it is drawn, and keeps this key to itself.
        for _ in range(MOST_TRIES):
            self.press("Control+w")
            self.page.wait_for_timeout(500)
            if shown.count() == 0:
                return
            self.workbench.command("evolverec: Focus on Findings View")
            self.page.wait_for_timeout(500)
        raise AssertionError(f"{tab} does not close")
