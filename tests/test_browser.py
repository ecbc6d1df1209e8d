"""The report in a real browser: it draws, follows mouse and keyboard, fits a phone, and asks no network."""

import itertools
import json
import shutil

import pytest

from nnlab import report as room
from nnlab.report import compose
from tests.report_fixtures import ENDING, HOSTILE, forge_run, forged_data

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.skipif(
        not BROWSER or not DRIVER, reason="needs a browser: chromium and chromedriver (Debian: chromium-driver)"
    ),
]
SWITCHES = (
    "--headless=new --no-sandbox --disable-gpu --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --window-size=1280,900"
)
INK = """
const canvas = arguments[0], pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
const colours = new Set();
for (let i = 0; i < pixels.length; i += 4) if (pixels[i + 3]) colours.add(pixels.slice(i, i + 3).join());
return colours.size;
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A report of seeds, of runs of another net and on other data, with markup wherever a run has text."""
    folder = tmp_path_factory.mktemp("report")
    texts = {"classes": (HOSTILE, ENDING, "ok"), "data": ENDING}
    runs = [forge_run(folder, f"20261124-00000{n}-{HOSTILE}", seed=n, **texts) for n in range(2)]
    runs.append(forge_run(folder, "b", seed=3, test=0.95, lr=json.dumps(HOSTILE), points=30, **texts))
    names = {"feature_names": (HOSTILE, ENDING), "target_name": ENDING}
    runs.append(forge_run(folder, "regression", classes=(), shape=(2,), units=2, test=0.5, **names))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compose, "config_of", lambda run: None)
        patch.setattr(compose, "load_same_dataset", lambda run, *others: forged_data(run))
        html, warnings = room.report(runs)
    assert warnings == []
    page = folder / "report.html"
    page.write_bytes(html)
    return page


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A browser with a profile of its own."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for switch in (*SWITCHES.split(), f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.get("about:blank")
    yield driver
    driver.quit()


@pytest.fixture
def page(browser, path):
    """The report, freshly opened; at the end it has said nothing to the console and asked for nothing but itself."""
    browser.get_log("performance")
    browser.get_log("browser")
    browser.get(path.as_uri())
    yield browser
    assert browser.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert {url for url in sent if not url.startswith("data:image/png;base64,")} == {path.as_uri()}


def find(page, selector):
    return page.find_element("css selector", selector)


def find_all(page, selector):
    return page.find_elements("css selector", selector)


def labels(page):
    """What the charts of the first group say of themselves."""
    return [plot.get_attribute("aria-label") for plot in find_all(page, "[data-group='0'] .curves .plot")]


def width_of(page, width):
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500},
    )


def scheme(page, name):
    features = [{"name": "prefers-color-scheme", "value": name}]
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


@pytest.mark.parametrize("width", [1280, 360])
def test_it_fits_the_screen_and_every_chart_is_drawn(page, width):
    width_of(page, width)
    page.refresh()
    page.execute_script("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    page.execute_async_script("requestAnimationFrame(() => setTimeout(arguments[0], 50))")
    seen, room_ = page.execute_script(
        "const box = document.scrollingElement; return [box.scrollWidth, document.documentElement.clientWidth]"
    )
    assert seen <= room_ <= width
    canvases = find_all(page, ".plot canvas")
    assert len(canvases) == len(find_all(page, ".plot")) == 9
    assert all(page.execute_script(INK, canvas) > 10 for canvas in canvases)
    small = page.execute_script(
        "return [...document.querySelectorAll('button, .choice:has(input), summary, nav a')]"
        ".filter((box) => box.getBoundingClientRect().height < 32).map((box) => box.textContent)"
    )
    assert small == []
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_the_mouse_reads_values_zooms_and_comes_back(page):
    from selenium.webdriver import ActionChains

    over = find(page, ".plot .u-over")
    page.execute_script("arguments[0].scrollIntoView({ block: 'center' })", over)
    whole_ = labels(page)
    last = find(page, ".readout").text
    ActionChains(page).move_to_element_with_offset(over, -60, 0).perform()
    readouts = [each.text for each in find_all(page, "[data-group='0'] .readout")[:3]]
    assert last.startswith("last")
    assert all(text.startswith("step ") for text in readouts)  # the cursor is in all charts at once
    ActionChains(page).click_and_hold().move_by_offset(70, 0).release().perform()
    zoomed = labels(page)
    assert all(a != b for a, b in zip(whole_, zoomed, strict=True))
    find(page, "[data-zoom=whole]").click()
    assert labels(page) == whole_
    find(page, "[data-zoom=in]").click()
    assert all(a != b for a, b in zip(whole_, labels(page), strict=True))


def test_the_keyboard_walks_along_a_curve_and_says_the_values(page):
    from selenium.webdriver import Keys

    plot, said = find(page, ".plot"), find(page, ".curves [data-announce]")
    whole_ = labels(page)
    heard = []
    for key in (Keys.HOME, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.END):
        plot.send_keys(key)
        heard.append(said.get_attribute("textContent"))
    assert len(set(heard)) == 4
    assert heard[0].startswith("step 10: b ")
    assert HOSTILE in heard[0]
    assert heard[3].startswith("step 300: ")
    assert f"{HOSTILE} (n=2) –" in heard[3]  # which ended at step 100
    plot.send_keys("+")
    assert labels(page) != whole_
    plot.send_keys(Keys.ESCAPE)
    assert labels(page) == whole_


def test_the_axes_can_be_seconds_and_logarithmic_and_curves_left_out(page):
    assert labels(page)[1] == "Test loss against step, 1 to 300"
    find(page, "input[value=seconds]").click()
    assert labels(page)[1] == "Test loss against seconds, 0.01 to 3"
    find(page, "[data-log]").click()
    assert labels(page)[1:] == [
        "Test loss against seconds, 0.01 to 3, logarithmic axis",
        "Training loss against seconds, 0.01 to 3, logarithmic axis",
    ]
    assert "logarithmic" not in labels(page)[0]
    before = len(find_all(page, ".readout")[1].find_elements("css selector", "svg"))
    find(page, ".legend input").click()
    assert len(find_all(page, ".readout")[1].find_elements("css selector", "svg")) == before - 1


def test_the_slider_goes_back_to_the_first_weights(page):
    from selenium.webdriver import Keys

    slider, picture = find(page, "input[type=range]"), find(page, "img[data-weights]")
    seen = []
    for key in ("", Keys.ARROW_LEFT, Keys.ARROW_LEFT, Keys.HOME):
        slider.send_keys(key)
        cells = [cell.text for cell in find_all(page, "#run-0-0 [data-confusion] td")]
        told = find(page, "#run-0-0 output").text, find(page, "#run-0-0 [data-measured]").text
        assert slider.get_attribute("aria-valuetext") == told[0]
        assert picture.get_attribute("alt").endswith(told[0])
        seen.append((picture.get_attribute("src"), cells, told))
    assert all(a[0] != b[0] and a[1] != b[1] for a, b in itertools.pairwise(seen))
    assert seen[0][2][0] == "epoch 1.5, step 30"
    assert seen[3][2] == ("epoch 0, step 0", "not measured yet")
    assert set(seen[3][1]) == {""}


def test_play_runs_through_the_frames_and_stops(page):
    from selenium.webdriver.support.ui import WebDriverWait

    page.execute_script("window.setInterval = (step) => { for (let i = 0; i < 9; i++) step(); return 1; }")
    button = find(page, "[data-play]")
    button.click()
    WebDriverWait(page, 5).until(lambda driver: find(driver, "#run-0-0 output").text == "epoch 1.5, step 30")
    assert button.text in ("Play", "Stop")


def test_numbers_of_a_first_layer_change_with_the_slider(page):
    from selenium.webdriver import Keys

    panel = find(page, "#run-1-0")
    before = [(cell.text, cell.get_attribute("data-level")) for cell in panel.find_elements("css selector", ".heat td")]
    panel.find_element("css selector", "input[type=range]").send_keys(Keys.HOME)
    after = [(cell.text, cell.get_attribute("data-level")) for cell in panel.find_elements("css selector", ".heat td")]
    assert len(before) == len(after) == 4
    assert before != after
    assert all(text for text, _ in after)


def test_dark_follows_the_system_and_the_button_overrides_it(page):
    def seen():
        return page.execute_async_script(
            "const done = arguments[0]; setTimeout(() => done([getComputedStyle(document.body).backgroundColor, "
            "document.querySelector('.plot canvas').toDataURL()]), 100)"
        )

    scheme(page, "light")
    light = seen()
    scheme(page, "dark")
    dark = seen()
    find(page, "#dark").click()
    overridden = seen()
    assert light[0] == "rgb(255, 255, 255)"
    assert dark[0] != light[0]
    assert dark[1] != light[1]
    assert overridden == light
    assert find(page, "#dark").get_attribute("aria-pressed") == "false"
    scheme(page, "light")


def test_markup_in_names_is_text_and_runs_nothing(page):
    assert page.title.startswith("Runs compared on ")
    assert find_all(page, "img[src=x]") == []
    assert HOSTILE in find(page, ".numbers").text
    shown = ENDING.replace("\u202e", "\\u202e").replace("\u202c", "\\u202c")
    assert find(page, "h2").text == shown
    assert HOSTILE in find(page, "#run-0-0 .heat").text
    assert HOSTILE in find(page, "#run-1-0 .heat").text


def test_everything_that_can_be_used_is_reached_by_tab(page):
    from selenium.webdriver import Keys

    page.execute_script("document.body.tabIndex = -1; document.body.focus()")
    reached = []
    for _ in range(14):
        page.switch_to.active_element.send_keys(Keys.TAB)
        reached.append(
            page.execute_script("const at = document.activeElement; return at.id || at.className || at.type")
        )
    assert reached[0] == "skip"
    assert {"dark", "wide", "radio", "checkbox", "plot"} <= set(reached)
    outline = page.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
